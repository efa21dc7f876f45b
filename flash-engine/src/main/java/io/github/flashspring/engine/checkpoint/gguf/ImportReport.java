package io.github.flashspring.engine.checkpoint.gguf;

import java.nio.file.Path;
import java.util.List;

/**
 * What an import wrote.
 *
 * @param folder the checkpoint
 * @param modelName the model's own name, empty if the file has none
 * @param tensors number of tensors in the GGUF file
 * @param bytes size of the checkpoint's tensors
 * @param notes what a user should know, one sentence each: tensors that became F16, a
 * missing tokenizer
 */
public record ImportReport(Path folder, String modelName, int tensors, long bytes, List<String> notes) {

	/**
	 * Copies the notes.
	 */
	public ImportReport {
		notes = List.copyOf(notes);
	}

}
