/**
 * Spring Boot's view of the engine: properties, beans, health, endpoint, meters. It turns
 * settings into an engine and a chat model. It must not know how either of them works
 * inside.
 */
@NullMarked
package io.github.flashspring.autoconfigure;

import org.jspecify.annotations.NullMarked;
