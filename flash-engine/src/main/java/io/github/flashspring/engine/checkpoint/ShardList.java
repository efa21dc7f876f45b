package io.github.flashspring.engine.checkpoint;

import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeSet;

import org.jspecify.annotations.Nullable;

import static io.github.flashspring.engine.checkpoint.CheckpointException.quote;

/**
 * Which safetensors files make up a checkpoint, and which of them an index promises for
 * each tensor.
 *
 * @param files the files, sorted by name
 * @param index the index file, if there is one
 * @param weightMap file name by tensor name; empty without an index
 */
record ShardList(List<Path> files, @Nullable Path index, Map<String, String> weightMap) {

	private static final long MAX_INDEX_BYTES = 100_000_000;

	static ShardList of(Path folder) {
		Path single = folder.resolve("model.safetensors");
		Path index = folder.resolve("model.safetensors.index.json");
		// Some writers leave the index of former shards next to a single file; it counts
		// if it is about that file.
		if (Files.exists(single) && !(Files.exists(index) && names(index, "model.safetensors"))) {
			return new ShardList(List.of(single), null, Map.of());
		}
		if (Files.exists(index)) {
			return indexed(folder, index);
		}
		return new ShardList(List.of(onlyFile(folder)), null, Map.of());
	}

	private static boolean names(Path index, String file) {
		try {
			Optional<ModelConfig> map = ModelConfig.read(index, MAX_INDEX_BYTES).child("weight_map");
			return map.isPresent()
					&& map.get().names().stream().anyMatch((tensor) -> map.get().getString(tensor).equals(file));
		}
		catch (CheckpointException ex) {
			// damaged, and so not about the file, which says itself what it holds
			return false;
		}
	}

	private static Path onlyFile(Path folder) {
		List<Path> found = new ArrayList<>();
		try (DirectoryStream<Path> files = Files.newDirectoryStream(folder, "*.safetensors")) {
			files.forEach(found::add);
		}
		catch (IOException ex) {
			throw Safetensors.unreadable(folder, ex);
		}
		if (found.isEmpty() || found.size() == 1 && name(found.getFirst()).equals("adapter_model.safetensors")) {
			Adapter.refuse(folder);
		}
		if (found.size() == 1) {
			return found.getFirst();
		}
		Collections.sort(found);
		String names = String.join(", ", found.stream().limit(5).map((file) -> quote(name(file))).toList());
		throw new CheckpointException(
				"The folder " + folder + " has "
						+ (found.isEmpty() ? "no *.safetensors."
								: found.size() + " safetensors files (" + names + ((found.size() > 5) ? ", …" : "")
										+ ") but neither model.safetensors nor an index."),
				"Expected model.safetensors, or shards with model.safetensors.index.json: check that the download is "
						+ "complete; weights in other formats (*.bin, *.gguf) must be converted first.");
	}

	private static ShardList indexed(Path folder, Path index) {
		ModelConfig content = ModelConfig.read(index, MAX_INDEX_BYTES);
		ModelConfig map = content.child("weight_map")
			.orElseThrow(() -> content.wrong("weight_map", "an object", "nothing"));
		Map<String, String> weightMap = new LinkedHashMap<>();
		TreeSet<String> names = new TreeSet<>();
		for (String tensor : map.names()) {
			String name = map.getString(tensor);
			if (!isPlainName(name)) {
				throw map.wrong(tensor, "the name of a *.safetensors file in the same folder", quote(name));
			}
			weightMap.put(tensor, name);
			names.add(name);
		}
		if (names.isEmpty()) {
			throw content.wrong("weight_map", "at least one tensor", "none");
		}
		List<Path> files = new ArrayList<>();
		for (String name : names) {
			Path file = folder.resolve(name);
			if (!Files.isRegularFile(file)) {
				throw new CheckpointException(
						"The shard " + quote(name) + " that " + index + " names is missing in the folder.",
						"The download is incomplete: download the model again.");
			}
			files.add(file);
		}
		return new ShardList(List.copyOf(files), index, weightMap);
	}

	private static boolean isPlainName(String name) {
		return name.endsWith(".safetensors") && name.length() <= 255 && !name.startsWith(".")
				&& name.chars().allMatch((c) -> c > ' ' && c < 0x7f && "/\\:*?\"<>|".indexOf(c) < 0);
	}

	/**
	 * Joins the tensors of all files and holds them against the index.
	 */
	Map<String, TensorInfo> merge(List<SafetensorsHeader> headers) {
		Map<String, TensorInfo> tensors = new LinkedHashMap<>();
		for (SafetensorsHeader header : headers) {
			for (TensorInfo tensor : header.tensors().values()) {
				TensorInfo other = tensors.put(tensor.name(), tensor);
				if (other != null) {
					throw new CheckpointException(
							"Tensor " + quote(tensor.name()) + " is in two shards: " + other.file() + " and "
									+ tensor.file() + ".",
							"Download the model again; remove shards of other versions from the folder.");
				}
			}
		}
		if (this.index != null) {
			compareWithIndex(this.index, tensors);
		}
		return tensors;
	}

	private void compareWithIndex(Path index, Map<String, TensorInfo> tensors) {
		String action = "Shards and index are of different versions or damaged: download the model again.";
		this.weightMap.forEach((name, file) -> {
			TensorInfo tensor = tensors.get(name);
			if (tensor == null || !name(tensor.file()).equals(file)) {
				throw new CheckpointException(
						"Tensor " + quote(name) + " is missing in the shard " + quote(file) + ", where " + index
								+ " expects it" + ((tensor != null) ? "; found in " + tensor.file() : "") + ".",
						action);
			}
		});
		for (TensorInfo tensor : tensors.values()) {
			if (!this.weightMap.containsKey(tensor.name())) {
				throw new CheckpointException("Tensor " + quote(tensor.name()) + " of " + tensor.file()
						+ " is surplus: " + index + " does not list it.", action);
			}
		}
	}

	private static String name(Path file) {
		return String.valueOf(file.getFileName());
	}

}
