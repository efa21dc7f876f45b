package io.github.flashspring.engine.checkpoint.gguf;

import java.io.IOException;
import java.nio.channels.WritableByteChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

import io.github.flashspring.engine.checkpoint.Checkpoint;
import io.github.flashspring.engine.checkpoint.CheckpointException;
import io.github.flashspring.engine.checkpoint.Safetensors;
import io.github.flashspring.engine.checkpoint.Staging;
import io.github.flashspring.engine.checkpoint.TensorSource;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.SerializationFeature;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/**
 * Turns a GGUF file of architecture {@code llama} into a checkpoint in the MLX layout:
 * F32, F16 and BF16 as they are, blocks of Q8_0, Q4_0 and Q4_1 as affine groups of 32
 * with the same values, other types as F16, or as F32 where F16 would overflow; with
 * tokenizer, chat template and settings.
 */
public final class GgufImporter {

	private final Path gguf;

	private final Path outFolder;

	private final Progress progress;

	private final JsonMapper json = JsonMapper.builder().enable(SerializationFeature.INDENT_OUTPUT).build();

	private GgufImporter(Path gguf, Path outFolder, Progress progress) {
		this.gguf = gguf;
		this.outFolder = outFolder.toAbsolutePath().normalize();
		this.progress = progress;
	}

	/**
	 * Imports a file. The folder appears under its name only when it is complete.
	 * @param gguf the GGUF file
	 * @param outFolder the folder to make; must not exist, or be empty
	 * @param progress told about every tensor
	 * @return what was written
	 * @throws CheckpointException if the file is damaged, changes meanwhile or is of a
	 * kind that cannot be imported, the folder has content, or its disk has not enough
	 * free space
	 * @throws IOException if writing fails
	 */
	public static ImportReport importFile(Path gguf, Path outFolder, Progress progress) throws IOException {
		return new GgufImporter(gguf, outFolder, progress).run();
	}

	private ImportReport run() throws IOException {
		Staging.requireNoContent(this.outFolder);
		try (GgufFile file = GgufFile.open(this.gguf)) {
			GgufMetadata metadata = file.metadata();
			String architecture = metadata.requireString("general.architecture");
			if (!architecture.equals("llama")) {
				throw metadata.wrong("general.architecture", "'llama', the only one that import reads", architecture);
			}
			LlamaShape shape = LlamaShape.of(file);
			LlamaTensors tensors = new LlamaTensors(file, shape);
			List<String> notes = new ArrayList<>();
			tensors.decoded()
				.forEach((kind,
						names) -> notes.add(names.size() + ((names.size() == 1) ? " tensor" : " tensors") + " of type "
								+ kind.from() + " became " + kind.to() + ": "
								+ String.join(", ", names.subList(0, Math.min(3, names.size())))
								+ ((names.size() > 3) ? ", …" : "")));
			Map<String, ObjectNode> settings = settings(metadata, shape, tensors, notes);
			long bytes = write(file, tensors, settings);
			return new ImportReport(this.outFolder, metadata.findString("general.name").orElse(""),
					file.tensors().size(), bytes, notes);
		}
	}

	private Map<String, ObjectNode> settings(GgufMetadata metadata, LlamaShape shape, LlamaTensors tensors,
			List<String> notes) {
		SettingsJson writer = new SettingsJson(this.json, metadata);
		Map<String, ObjectNode> settings = new LinkedHashMap<>();
		GgufVocabulary vocabulary = vocabulary(metadata, tensors);
		settings.put("config.json", writer.config(shape, tensors, vocabulary));
		if (vocabulary == null) {
			notes.add("The file has no tokenizer: the checkpoint takes token ids only");
			return settings;
		}
		TokenizerJson tokenizer = new TokenizerJson(this.json, metadata, vocabulary);
		settings.put("tokenizer.json", tokenizer.build());
		settings.put("tokenizer_config.json", writer.tokenizerConfig(shape, vocabulary, tokenizer));
		settings.put("generation_config.json", writer.generationConfig(vocabulary));
		if (!metadata.has("tokenizer.chat_template")) {
			notes.add("The file has no chat template: the model continues text, but cannot chat");
		}
		return settings;
	}

	private static @Nullable GgufVocabulary vocabulary(GgufMetadata metadata, LlamaTensors tensors) {
		String model = metadata.findString("tokenizer.ggml.model").orElse("none");
		int vocabSize = tensors.vocabSize();
		return (model.equals("none") || model.equals("no_vocab")) ? null : GgufVocabulary.of(metadata, vocabSize);
	}

	private long write(GgufFile file, LlamaTensors tensors, Map<String, ObjectNode> settings) throws IOException {
		Map<String, TensorSource> sources = tensors.sources();
		Map<String, byte[]> files = new LinkedHashMap<>();
		settings.forEach((name, content) -> files.put(name, this.json.writeValueAsBytes(content)));
		long bytes = sources.values().stream().mapToLong(TensorSource::byteSize).sum()
				+ files.values().stream().mapToLong((content) -> content.length).sum();
		try (Staging staging = Staging.folder(this.outFolder, bytes)) {
			for (Map.Entry<String, byte[]> entry : files.entrySet()) {
				Files.write(staging.path().resolve(entry.getKey()), entry.getValue());
			}
			Safetensors.write(staging.path().resolve("model.safetensors"), watched(sources), Map.of("format", "mlx"));
			file.requireUnchanged();
			long written = verified(staging.path(), tensors);
			Staging.requireNoContent(this.outFolder);
			staging.commit();
			return written;
		}
	}

	/** Reads back what was written, as the engine will. */
	private static long verified(Path folder, LlamaTensors tensors) {
		try (Checkpoint checkpoint = Checkpoint.open(folder)) {
			tensors.quantization().forEach((module, quantization) -> {
				if (!checkpoint.quantization(module).equals(quantization)) {
					throw new IllegalStateException(module + " was written as " + checkpoint.quantization(module)
							+ " instead of " + quantization);
				}
			});
			return checkpoint.totalBytes();
		}
	}

	private Map<String, TensorSource> watched(Map<String, TensorSource> sources) {
		long total = sources.values().stream().mapToLong(TensorSource::byteSize).sum();
		long[] done = new long[1];
		Map<String, TensorSource> watched = new LinkedHashMap<>();
		sources.forEach((name, source) -> watched.put(name,
				new TensorSource(source.dtype(), source.shape(), (WritableByteChannel channel) -> {
					source.body().writeTo(channel);
					done[0] += source.byteSize();
					this.progress.written(name, done[0], total);
				})));
		return watched;
	}

	/**
	 * Is told how far an import is.
	 */
	@FunctionalInterface
	public interface Progress {

		/**
		 * A tensor was written.
		 * @param tensor its name in the checkpoint
		 * @param bytesDone bytes written so far
		 * @param bytesTotal bytes to write in all
		 */
		void written(String tensor, long bytesDone, long bytesTotal);

	}

}
