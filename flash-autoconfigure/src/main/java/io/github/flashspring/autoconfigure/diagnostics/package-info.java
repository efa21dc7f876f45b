/**
 * Says why Flash is not there: Java is too old, or nothing chose Flash. Its class files
 * are those of Java 17, the oldest that Spring Boot runs on, so it must not use any other
 * class of Flash.
 */
@NullMarked
package io.github.flashspring.autoconfigure.diagnostics;

import org.jspecify.annotations.NullMarked;
