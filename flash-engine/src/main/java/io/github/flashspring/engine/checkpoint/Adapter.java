package io.github.flashspring.engine.checkpoint;

import java.nio.file.Files;
import java.nio.file.Path;

import static io.github.flashspring.engine.checkpoint.CheckpointException.quote;

/**
 * Folders that hold what was trained on top of a model, and not the model.
 */
final class Adapter {

	private Adapter() {
	}

	/**
	 * Refuses a folder with a PEFT adapter, such as LoRA's.
	 * @param folder a folder without a model
	 * @throws CheckpointException if it has an adapter
	 */
	static void refuse(Path folder) {
		Path file = folder.resolve("adapter_config.json");
		if (!Files.isRegularFile(file)) {
			return;
		}
		String base = ModelConfig.read(file)
			.findString("base_model_name_or_path")
			.map((name) -> " " + quote(name))
			.orElse("");
		throw new CheckpointException(
				"The folder " + folder + " holds a PEFT adapter (" + file.getFileName() + ") and no model.",
				"Merge it into its base model" + base
						+ " with Python's peft (merge_and_unload, then save_pretrained), and give the merged folder.");
	}

}
