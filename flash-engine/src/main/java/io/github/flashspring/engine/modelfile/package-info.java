/**
 * Modelfiles: the text that names a model, its parameters, its system message and how
 * Flash runs it. Reads and writes the text; what an instruction means for an engine is
 * decided above. It must not know engines, tokenizers or checkpoints' content.
 */
@NullMarked
package io.github.flashspring.engine.modelfile;

import org.jspecify.annotations.NullMarked;
