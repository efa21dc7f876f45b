package io.github.flashspring.engine;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileTime;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Arrays;
import java.util.List;
import java.util.Random;

import io.github.flashspring.engine.generate.Sampling;

/**
 * A copy of a small model whose file of weights tests damage and restore.
 */
final class DamagedModel {

	private final Golden golden;

	private final int[] prompt;

	private final int answerTokens;

	private final Path folder;

	private final Path weights;

	private final byte[] content;

	private final int[] expected;

	/**
	 * Copies a model.
	 * @param name resource of a model with one file of weights
	 * @param folder an empty one
	 */
	DamagedModel(String name, Path folder) throws Exception {
		this(Golden.load(name), Integer.MAX_VALUE, folder);
	}

	/**
	 * Copies a model, for short prompts and answers: a budget that is the least reads the
	 * weights once for each of their tokens.
	 * @param golden a model with one file of weights
	 * @param tokens most of a prompt, and of an answer
	 * @param folder an empty one
	 */
	DamagedModel(Golden golden, int tokens, Path folder) throws Exception {
		this.golden = golden;
		this.prompt = Arrays.copyOf(golden.prompt(), Math.min(tokens, golden.prompt().length));
		this.answerTokens = Math.min(tokens, golden.greedy().length);
		this.folder = folder;
		for (String file : List.of("config.json", "model.safetensors")) {
			Files.copy(this.golden.folder().resolve(file), folder.resolve(file));
		}
		this.weights = folder.resolve("model.safetensors");
		this.content = Files.readAllBytes(this.weights);
		// Later writes are seen however coarse the clock of the file system is.
		Files.setLastModifiedTime(this.weights, FileTime.fromMillis(1_000_000_000_000L));
		try (FlashEngine engine = FlashEngine.load(config().build())) {
			this.expected = generate(engine);
		}
	}

	FlashConfig.Builder config() {
		return FlashConfig.builder(this.folder.toString())
			.contextLength(this.prompt.length + this.answerTokens)
			.threads(2)
			.parallel(2);
	}

	Path weights() {
		return this.weights;
	}

	byte[] content() {
		return this.content;
	}

	int[] prompt() {
		return this.prompt;
	}

	int[] expected() {
		return this.expected;
	}

	GenerationRequest request() {
		return new GenerationRequest(new GenerationRequest.Tokens(this.prompt), Sampling.GREEDY, this.answerTokens,
				List.of(), true);
	}

	int[] generate(FlashEngine engine) {
		return Golden.finish(engine.generate(request())).tokens();
	}

	void apply(Damage damage) throws IOException {
		damage.action.apply(this);
	}

	/** Writes what the file was into the same file. */
	void restore() throws IOException {
		Files.setPosixFilePermissions(Files.exists(this.weights) ? this.weights : Files.createFile(this.weights),
				PosixFilePermissions.fromString("rw-r--r--"));
		Files.write(this.weights, this.content);
	}

	/** Renames a new file into the place of the old one. */
	void replace(byte[] bytes) throws IOException {
		Path other = Files.write(this.folder.resolve("other"), bytes);
		Files.move(other, this.weights, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
	}

	private void truncate(long size) throws IOException {
		try (FileChannel channel = FileChannel.open(this.weights, StandardOpenOption.WRITE)) {
			channel.truncate(size);
		}
	}

	/** Overwrites everything behind the header, in place. */
	private void overwrite(byte[] bytes) throws IOException {
		int from = 8 + (int) ByteBuffer.wrap(this.content).order(ByteOrder.LITTLE_ENDIAN).getLong(0);
		try (FileChannel channel = FileChannel.open(this.weights, StandardOpenOption.WRITE)) {
			channel.write(ByteBuffer.wrap(bytes, from, bytes.length - from), from);
		}
	}

	private byte[] random() {
		byte[] bytes = new byte[this.content.length];
		new Random(1).nextBytes(bytes);
		return bytes;
	}

	/** What happens to the file. */
	enum Damage {

		EMPTY((model) -> model.truncate(0)),

		HALF((model) -> model.truncate(model.content.length / 2)),

		RANDOM((model) -> model.overwrite(model.random())),

		ZEROS((model) -> model.overwrite(new byte[model.content.length])),

		DELETED((model) -> Files.delete(model.weights)),

		RENAMED_OVER((model) -> model.replace(model.random())),

		UNREADABLE(
				(model) -> Files.setPosixFilePermissions(model.weights, PosixFilePermissions.fromString("---------"))),

		SAME_BYTES((model) -> model.overwrite(model.content));

		private final Action action;

		Damage(Action action) {
			this.action = action;
		}

		boolean truncates() {
			return this == EMPTY || this == HALF;
		}

		/** Whether the file that is open is written to. */
		boolean changesContent() {
			return truncates() || this == RANDOM || this == ZEROS || this == SAME_BYTES;
		}

	}

	/** Damages a file. */
	private interface Action {

		void apply(DamagedModel model) throws IOException;

	}

}
