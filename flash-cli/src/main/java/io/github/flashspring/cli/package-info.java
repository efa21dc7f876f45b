/**
 * The command line: options in, text and figures out, errors as one clear message. It
 * speaks to the engine's public package only. It must not know Spring, nor how the engine
 * does its work.
 */
@NullMarked
package io.github.flashspring.cli;

import org.jspecify.annotations.NullMarked;
