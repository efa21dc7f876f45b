package io.github.flashspring.cli.bench;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.atomic.AtomicLong;

import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

import io.github.flashspring.engine.checkpoint.CheckpointException;
import io.github.flashspring.engine.checkpoint.Safetensors;
import io.github.flashspring.engine.checkpoint.Staging;
import io.github.flashspring.engine.checkpoint.TensorSource;

/**
 * A model with random weights as a checkpoint folder.
 *
 * @param config {@code config.json} without quantisation
 * @param tensors its tensors and their formats
 * @param standard the format of modules that the config does not name
 */
record SyntheticCheckpoint(ObjectNode config, TensorList tensors, WeightFormat standard) {

	/**
	 * Writes the folder.
	 * @param folder target; files of an earlier model are replaced
	 * @param progress is told after each tensor
	 * @throws CheckpointException if the target is a file, or its disk has not enough
	 * free space
	 * @throws IOException if it cannot be written
	 */
	void write(Path folder, Progress progress) throws IOException {
		long total = this.tensors.tensors().values().stream().mapToLong(TensorSource::byteSize).sum();
		AtomicLong done = new AtomicLong();
		Map<String, TensorSource> reporting = new LinkedHashMap<>();
		this.tensors.tensors()
			.forEach((name, tensor) -> reporting.put(name,
					new TensorSource(tensor.dtype(), tensor.shape(), (channel) -> {
						tensor.body().writeTo(channel);
						progress.at(name, done.addAndGet(tensor.byteSize()), total);
					})));
		try (Staging staging = Staging.folder(folder, total)) {
			Safetensors.write(staging.path().resolve("model.safetensors"), reporting, Map.of("format", "mlx"));
			Files.writeString(staging.path().resolve("config.json"), json());
			staging.commit();
		}
	}

	/** The whole of {@code config.json}. */
	String json() {
		ObjectNode whole = this.config.deepCopy();
		if (this.standard.quantised()) {
			ObjectNode quantization = whole.putObject("quantization");
			this.standard.describe(quantization);
			this.tensors.formats().forEach((module, format) -> {
				if (format.quantised() && !format.equals(this.standard)) {
					format.describe(quantization.putObject(module));
				}
			});
		}
		return JsonMapper.shared().writerWithDefaultPrettyPrinter().writeValueAsString(whole) + "\n";
	}

}
