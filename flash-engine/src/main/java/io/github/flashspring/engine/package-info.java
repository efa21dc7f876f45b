/**
 * What users of the engine touch: load a model, generate, close. It puts the parts
 * together and may know them all; none of them may know it. It must not know Spring, the
 * web or the command line.
 */
@NullMarked
package io.github.flashspring.engine;

import org.jspecify.annotations.NullMarked;
