package io.github.flashspring.engine.weights;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.channels.WritableByteChannel;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;

import io.github.flashspring.engine.memory.NativeMemory;
import io.github.flashspring.engine.storage.DirectFile;
import io.github.flashspring.engine.storage.DirectFiles;
import io.github.flashspring.engine.checkpoint.Checkpoint;
import io.github.flashspring.engine.checkpoint.CheckpointException;
import io.github.flashspring.engine.checkpoint.DType;
import io.github.flashspring.engine.checkpoint.Safetensors;
import io.github.flashspring.engine.checkpoint.Staging;
import io.github.flashspring.engine.checkpoint.TensorInfo;
import io.github.flashspring.engine.checkpoint.TensorSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/**
 * Rewrites a checkpoint so that weights stream from it in fewer and longer reads: in the
 * order of a pass, every tensor from the beginning of a page, the tensors of an expert
 * together. The result is a checkpoint like any other, with the same values under the
 * same names, except that stacked experts get names of their own; between tensors lies
 * padding that has names too. It is written beside its target, read back from the disk
 * and compared bit by bit, and renamed only then.
 */
public final class Repacker {

	/** Pages of every system and file system that models lie on, but a few. */
	static final int PAGE = 4096;

	private static final int CHUNK = 4 << 20;

	/** Room for the header and the small files. */
	private static final long SPARE = 64 << 20;

	/** Files that hold weights in some other form. */
	private static final Set<String> WEIGHTS = Set.of("safetensors", "bin", "gguf", "pt", "pth", "h5", "msgpack",
			"onnx", "npz");

	private final Checkpoint checkpoint;

	private final FileOrder order;

	private final Path target;

	private final Progress progress;

	private final long total;

	private long done;

	private Repacker(WeightLayout layout, Path target, boolean compatible, Progress progress) {
		this.checkpoint = layout.checkpoint();
		this.order = FileOrder.of(layout, compatible);
		this.target = target.toAbsolutePath().normalize();
		this.progress = progress;
		this.total = 2 * this.order.tensors().stream().mapToLong((placed) -> placed.source().byteSize()).sum();
	}

	/**
	 * Rewrites a checkpoint.
	 * @param layout the weights of the model
	 * @param target the folder to make; must not exist, or be empty
	 * @param compatible whether tensors keep their names and there is no padding, for
	 * programs that refuse names that they do not know; stacked experts stay stacked then
	 * @param progress hears how far it is
	 * @return bytes of the new file
	 * @throws CheckpointException if the target is not empty or inside the source, its
	 * disk has not enough room, the source cannot be read, or what was written is not
	 * what was to be written
	 * @throws IOException if the target cannot be written; nothing is left of it
	 */
	public static long repack(WeightLayout layout, Path target, boolean compatible, Progress progress)
			throws IOException {
		return new Repacker(layout, target, compatible, progress).run();
	}

	private long run() throws IOException {
		requireOutsideSource();
		Staging.requireNoContent(this.target);
		long padding = (long) PAGE * this.order.tensors().stream().filter(FileOrder.Placed::page).count();
		try (Staging staging = Staging.folder(this.target, this.total / 2 + padding + SPARE)) {
			Path file = staging.path().resolve("model.safetensors");
			Safetensors.write(file, tensors(), Map.of("format", "mlx"), PAGE);
			copyOthers(staging.path());
			verify(staging.path());
			long bytes = Files.size(file);
			Staging.requireNoContent(this.target);
			staging.commit();
			return bytes;
		}
	}

	/** Otherwise the copy would become a part of what it is a copy of. */
	private void requireOutsideSource() throws IOException {
		Path source = this.checkpoint.folder().toRealPath();
		Path existing = this.target;
		while (existing != null && !Files.exists(existing)) {
			existing = existing.getParent();
		}
		if (existing != null && existing.toRealPath().resolve(existing.relativize(this.target)).startsWith(source)) {
			throw new CheckpointException(
					"The target " + this.target + " is inside the model's own folder " + source + ".",
					"Give a folder outside of it.");
		}
	}

	private Map<String, TensorSource> tensors() {
		Map<String, TensorSource> tensors = new LinkedHashMap<>();
		long offset = 0;
		int paddings = 0;
		for (FileOrder.Placed placed : this.order.tensors()) {
			TensorInfo source = placed.source();
			int alignment = placed.page() ? PAGE : source.dtype().bytes();
			long gap = Math.ceilDiv(offset, alignment) * alignment - offset;
			if (gap > 0) {
				tensors.put(Checkpoint.PADDING + paddings++,
						TensorSource.of(DType.U8, MemorySegment.ofArray(new byte[Math.toIntExact(gap)]), gap));
			}
			tensors.put(placed.name(),
					new TensorSource(source.dtype(), source.shape(), (channel) -> copy(placed, channel)));
			offset += gap + source.byteSize();
		}
		return tensors;
	}

	private void copy(FileOrder.Placed placed, WritableByteChannel channel) throws IOException {
		TensorInfo source = placed.source();
		ByteBuffer chunk = ByteBuffer.allocate((int) Math.min(CHUNK, source.byteSize()));
		for (long from = 0; from < source.byteSize(); from += CHUNK) {
			chunk.clear().limit((int) Math.min(CHUNK, source.byteSize() - from));
			this.checkpoint.read(source, from, chunk);
			channel.write(chunk.flip());
			progress("writing", placed, chunk.limit());
		}
	}

	private void progress(String step, FileOrder.Placed placed, long bytes) {
		this.done += bytes;
		this.progress.at(step + " " + placed.name(), this.done, this.total);
	}

	/** Copies config, tokenizer and whatever else is no weights. */
	private void copyOthers(Path folder) throws IOException {
		try (DirectoryStream<Path> files = Files.newDirectoryStream(this.checkpoint.folder(), Files::isRegularFile)) {
			for (Path file : files) {
				String name = file.getFileName().toString();
				String end = name.substring(name.lastIndexOf('.') + 1).toLowerCase(Locale.ROOT);
				if (!WEIGHTS.contains(end) && !name.endsWith(".safetensors.index.json")) {
					Files.copy(file, folder.resolve(name));
				}
			}
		}
		if (!this.order.modules().isEmpty()) {
			rename(folder.resolve("config.json"));
		}
	}

	/** What the config says about a stacked module goes for those it became. */
	private void rename(Path file) throws IOException {
		ObjectNode config = (ObjectNode) JsonMapper.shared().readTree(Files.readString(file));
		boolean changed = false;
		for (String section : List.of("quantization", "quantization_config")) {
			if (!(config.get(section) instanceof ObjectNode quantization)) {
				continue;
			}
			for (Map.Entry<String, List<String>> module : this.order.modules().entrySet()) {
				JsonNode exception = quantization.remove(module.getKey());
				if (exception != null) {
					module.getValue().forEach((name) -> quantization.set(name, exception));
					changed = true;
				}
			}
		}
		if (changed) {
			Files.writeString(file, JsonMapper.shared().writerWithDefaultPrettyPrinter().writeValueAsString(config));
		}
	}

	/** Compares what lies on the disk now with the source. */
	private void verify(Path folder) {
		try (Checkpoint written = Checkpoint.open(folder);
				DirectFile file = DirectFiles.open(folder.resolve("model.safetensors"));
				NativeMemory memory = NativeMemory.allocate(CHUNK + 2L * file.alignment())) {
			ByteBuffer expected = ByteBuffer.allocate(CHUNK);
			for (FileOrder.Placed placed : this.order.tensors()) {
				TensorInfo found = written.tensor(placed.name());
				for (long from = 0; from < found.byteSize(); from += CHUNK) {
					int length = (int) Math.min(CHUNK, found.byteSize() - from);
					long begin = found.offset() + from;
					long start = begin / file.alignment() * file.alignment();
					long end = Math.ceilDiv(begin + length, (long) file.alignment()) * file.alignment();
					file.read(start, memory.segment().asSlice(0, end - start));
					this.checkpoint.read(placed.source(), from, expected.clear().limit(length));
					long mismatch = memory.segment()
						.asSlice(begin - start, length)
						.mismatch(MemorySegment.ofBuffer(expected.flip()));
					if (mismatch >= 0) {
						throw new CheckpointException(
								"Byte " + (from + mismatch) + " of tensor '" + placed.name()
										+ "' was written wrongly, or the file " + placed.source().file()
										+ " changed meanwhile.",
								"Check the disk, let no other process write the model, and repack again.");
					}
					progress("checking", placed, length);
				}
			}
		}
	}

	/** Hears how far a rewrite is. */
	@FunctionalInterface
	public interface Progress {

		/**
		 * Something was written or checked.
		 * @param what human-readable
		 * @param done bytes written and bytes checked
		 * @param total bytes to write and to check
		 */
		void at(String what, long done, long total);

	}

}
