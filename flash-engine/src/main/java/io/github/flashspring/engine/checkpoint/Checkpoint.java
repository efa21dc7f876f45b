package io.github.flashspring.engine.checkpoint;

import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.Collections;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Predicate;

import static io.github.flashspring.engine.checkpoint.CheckpointException.quote;

/**
 * A folder with a model: its settings and its tensors by name, from one safetensors file
 * or from shards. Opening reads and checks all headers but no data. Files stay open until
 * {@link #close()}. Safe for use by several threads.
 */
public final class Checkpoint implements AutoCloseable {

	/** What the names of tensors begin with that only fill gaps between others. */
	public static final String PADDING = "__padding__.";

	private final Path folder;

	private final ModelConfig config;

	private final QuantizationConfig quantization;

	private final Map<Path, Shard> shards;

	private final Map<String, TensorInfo> tensors;

	private Checkpoint(Path folder, ModelConfig config, Map<Path, Shard> shards, Map<String, TensorInfo> tensors) {
		this.folder = folder;
		this.config = config;
		this.quantization = config.quantization();
		this.shards = shards;
		tensors.keySet().removeIf((name) -> name.startsWith(PADDING));
		this.tensors = Collections.unmodifiableMap(tensors);
	}

	/**
	 * Opens a folder: {@code config.json}, and {@code model.safetensors}, or the shards
	 * of {@code model.safetensors.index.json}, or the only other {@code *.safetensors}.
	 * @param folder the folder
	 * @return the checkpoint, to be closed
	 * @throws CheckpointException if something is missing, unreadable or contradictory
	 */
	public static Checkpoint open(Path folder) {
		if (!Files.isDirectory(folder)) {
			throw new CheckpointException(
					"There is no model folder " + folder + (Files.exists(folder) ? ": it is a file." : "."),
					"Give a folder with config.json and *.safetensors, or a hub id such as org/name.");
		}
		Path configFile = folder.resolve("config.json");
		if (!Files.isRegularFile(configFile)) {
			Adapter.refuse(folder);
			throw new CheckpointException("The folder " + folder + " has no config.json.",
					"Give a folder in the Hugging Face or MLX layout; a GGUF file must be imported first "
							+ "(flash import FILE.gguf --out DIR).");
		}
		ModelConfig config = ModelConfig.read(configFile);
		ShardList list = ShardList.of(folder);
		Map<Path, Shard> shards = new LinkedHashMap<>();
		boolean complete = false;
		try {
			for (Path file : list.files()) {
				shards.put(file, Shard.open(file));
			}
			Checkpoint checkpoint = new Checkpoint(folder, config, shards,
					list.merge(shards.values().stream().map(Shard::header).toList()));
			complete = true;
			return checkpoint;
		}
		finally {
			if (!complete) {
				shards.values().forEach(Shard::close);
			}
		}
	}

	/**
	 * Whether a folder has a config and all files of weights that belong to it; what is
	 * in them is not read.
	 * @param folder the folder
	 * @return false if something is missing
	 */
	public static boolean isComplete(Path folder) {
		if (!Files.isRegularFile(folder.resolve("config.json"))) {
			return false;
		}
		try {
			return ShardList.of(folder).files().stream().allMatch(Files::isRegularFile);
		}
		catch (CheckpointException ex) {
			return false;
		}
	}

	/**
	 * The folder.
	 * @return as given to {@link #open(Path)}
	 */
	public Path folder() {
		return this.folder;
	}

	/**
	 * The settings of the model.
	 * @return {@code config.json}
	 */
	public ModelConfig config() {
		return this.config;
	}

	/**
	 * All tensors by name, but for those that only fill gaps.
	 * @return shard after shard, each in the order of its data
	 */
	public Map<String, TensorInfo> tensors() {
		return this.tensors;
	}

	/** The headers of all files. */
	List<SafetensorsHeader> headers() {
		return this.shards.values().stream().map(Shard::header).toList();
	}

	/**
	 * The files of weights as they were when their headers were read.
	 * @return identity, size and times by path
	 */
	public Map<Path, FileVersion> versions() {
		Map<Path, FileVersion> versions = new LinkedHashMap<>();
		this.shards.forEach((file, shard) -> versions.put(file, shard.version()));
		return versions;
	}

	/**
	 * Whether a tensor exists.
	 * @param name its full name
	 * @return true if the checkpoint has it
	 */
	public boolean has(String name) {
		return this.tensors.containsKey(name);
	}

	/**
	 * A tensor that must exist.
	 * @param name its full name
	 * @return where it lies
	 * @throws CheckpointException if it is missing; the message lists similar names
	 */
	public TensorInfo tensor(String name) {
		TensorInfo tensor = this.tensors.get(name);
		if (tensor != null) {
			return tensor;
		}
		List<String> similar = NearMisses.of(name, this.tensors.keySet());
		throw new CheckpointException(
				"Tensor " + quote(name) + " is missing in " + this.folder + " (" + this.tensors.size() + " tensors"
						+ (similar.isEmpty() ? "" : "; similar: " + String.join(", ", similar)) + ").",
				"Check that the download is complete and that config.json belongs to these weights.");
	}

	/**
	 * A tensor that must exist with a certain shape.
	 * @param name its full name
	 * @param shape sizes of the dimensions, slowest first
	 * @return where it lies
	 * @throws CheckpointException if it is missing or its shape differs
	 */
	public TensorInfo tensor(String name, long... shape) {
		TensorInfo tensor = tensor(name);
		if (!Arrays.equals(tensor.shape(), shape)) {
			throw new CheckpointException(
					"Tensor " + quote(name) + " of " + tensor.file() + ": expected shape " + Arrays.toString(shape)
							+ " by config.json, found " + Arrays.toString(tensor.shape()) + ".",
					"Check that config.json belongs to these weights.");
		}
		return tensor;
	}

	/**
	 * How a module's weight is quantised, checked against its tensors.
	 * @param module for example {@code model.layers.0.mlp.down_proj}
	 * @return empty if its weight is stored plainly
	 * @throws CheckpointException if tensors and settings disagree
	 */
	public Optional<Quantization> quantization(String module) {
		return quantized(module).map(QuantizedTensors::quantization);
	}

	/**
	 * The tensors of a module whose weight is quantised, checked against the settings and
	 * each other.
	 * @param module for example {@code model.layers.0.mlp.down_proj}
	 * @return empty if its weight is stored plainly
	 * @throws CheckpointException if tensors and settings disagree
	 */
	public Optional<QuantizedTensors> quantized(String module) {
		return new QuantizedLayout(this, this.quantization).of(module);
	}

	/**
	 * Refuses tensors that the model code does not know: their weights would silently be
	 * left out of the computation.
	 * @param used names of the tensors that the model reads
	 * @param ignorable tensors that may be left over, such as {@code rotary_emb.inv_freq}
	 * @throws CheckpointException if others are left
	 */
	public void requireNoSurplus(Collection<String> used, Predicate<String> ignorable) {
		List<String> surplus = new ArrayList<>(this.tensors.keySet());
		surplus.removeIf(ignorable);
		surplus.removeAll(new HashSet<>(used));
		if (!surplus.isEmpty()) {
			throw new CheckpointException(
					"The checkpoint " + this.folder + " has " + surplus.size() + " tensors that a model of type "
							+ quote(this.config.modelType()) + " with these settings does not use: "
							+ String.join(", ", surplus.stream().limit(5).map(CheckpointException::quote).toList())
							+ ((surplus.size() > 5) ? ", …" : "") + ".",
					"Check that config.json belongs to these weights.");
		}
	}

	/**
	 * Size of all tensors.
	 * @return bytes of data, without headers
	 */
	public long totalBytes() {
		return this.tensors.values().stream().mapToLong(TensorInfo::byteSize).sum();
	}

	/**
	 * The open channel of a file, for positional reads. It is shared: do not move its
	 * position or close it.
	 * @param file the file of one of {@link #tensors()}
	 * @return the channel, valid until {@link #close()}
	 * @throws CheckpointException if the file has changed its size since it was opened
	 */
	public FileChannel channel(Path file) {
		Shard shard = shard(file);
		shard.requireUnchanged("reading it");
		return shard.channel();
	}

	/**
	 * Refuses files whose content has changed since their headers were read. Costs a few
	 * system calls for each file.
	 * @param purpose what the files are needed for
	 * @throws CheckpointException if one was truncated or changed, or cannot be asked
	 */
	public void requireUnchanged(String purpose) {
		this.shards.values().forEach((shard) -> shard.requireUnchanged(purpose));
	}

	/**
	 * Reads a part of a tensor by positional reads until the buffer is full.
	 * @param tensor one of {@link #tensors()}
	 * @param from first byte wanted, from the tensor's start
	 * @param into filled from its position to its limit
	 * @throws CheckpointException if the part lies outside of the tensor, or the file
	 * ends early or fails
	 */
	public void read(TensorInfo tensor, long from, ByteBuffer into) {
		if (from < 0 || into.remaining() > tensor.byteSize() - from) {
			throw new IndexOutOfBoundsException("Bytes " + from + " to " + (from + into.remaining()) + " of " + tensor);
		}
		shard(tensor.file()).read(tensor, tensor.offset() + from, into);
	}

	@Override
	public void close() {
		this.shards.values().forEach(Shard::close);
	}

	private Shard shard(Path file) {
		Shard shard = this.shards.get(file);
		if (shard == null) {
			throw new IllegalArgumentException(file + " does not belong to the checkpoint " + this.folder);
		}
		return shard;
	}

}
