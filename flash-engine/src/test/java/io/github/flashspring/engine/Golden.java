package io.github.flashspring.engine;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;

import io.github.flashspring.engine.checkpoint.ModelConfig;
import io.github.flashspring.engine.checkpoint.Safetensors;
import io.github.flashspring.engine.checkpoint.TensorInfo;
import io.github.flashspring.engine.generate.Sampling;

/**
 * A checkpoint with the logits and greedy tokens that a reference implementation computed
 * from it.
 *
 * @param folder the checkpoint
 * @param prompt token ids
 * @param greedy the tokens that follow
 * @param logits [prompt, vocab]
 */
record Golden(Path folder, int[] prompt, int[] greedy, float[][] logits) {

	static Golden load(String resource) throws Exception {
		Path folder = path(resource);
		ModelConfig json = ModelConfig.read(folder.resolve("golden.json"));
		Path file = folder.resolve("golden.safetensors");
		TensorInfo tensor = Objects.requireNonNull(Safetensors.readHeader(file).tensors().get("logits"));
		int rows = (int) tensor.shape()[0];
		int columns = (int) tensor.shape()[1];
		float[][] logits = new float[rows][columns];
		try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
			MemorySegment data = MemorySegment
				.ofBuffer(channel.map(FileChannel.MapMode.READ_ONLY, tensor.offset(), tensor.byteSize()));
			for (int row = 0; row < rows; row++) {
				for (int i = 0; i < columns; i++) {
					logits[row][i] = data.get(ValueLayout.JAVA_FLOAT_UNALIGNED, 4L * ((long) row * columns + i));
				}
			}
		}
		return new Golden(folder, ints(json, "prompt"), ints(json, "greedy"), logits);
	}

	static Path path(String resource) throws Exception {
		return Path.of(Objects.requireNonNull(Golden.class.getResource("/" + resource)).toURI());
	}

	private static int[] ints(ModelConfig json, String name) {
		return json.getInts(name).stream().mapToInt(Integer::intValue).toArray();
	}

	FlashConfig.Builder config() {
		return FlashConfig.builder(this.folder.toString())
			.contextLength(this.prompt.length + this.greedy.length)
			.threads(2)
			.parallel(1);
	}

	static List<float[]> logits(FlashEngine engine, int[] tokens) {
		List<float[]> rows = new ArrayList<>();
		engine.logits(tokens, (position, logits) -> rows.add(logits.clone()));
		return rows;
	}

	static GenerationEvent.Finished generate(FlashEngine engine, int[] prompt, int maxTokens) {
		return finish(engine.generate(new GenerationRequest(new GenerationRequest.Tokens(prompt), Sampling.GREEDY,
				maxTokens, List.of(), true)));
	}

	static GenerationEvent.Finished finish(Generation generation) {
		GenerationEvent event = generation.next();
		while (event != null) {
			if (event instanceof GenerationEvent.Finished finished) {
				return finished;
			}
			event = generation.next();
		}
		throw new AssertionError("no end");
	}

}
