package io.github.flashspring.engine.hub;

import java.io.IOException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Pattern;

import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

import io.github.flashspring.engine.checkpoint.HubId;
import io.github.flashspring.engine.metrics.ByteSize;

/**
 * Which files of a repository a model is made of: those that mlx-lm downloads, and of
 * weights exactly those that an index names. Code, pickles and weights in other formats
 * are never among them.
 */
final class FileSelection {

	static final String INDEX = "model.safetensors.index.json";

	static final String SINGLE = "model.safetensors";

	/** Largest index that is read, as where it is opened. */
	static final int MAX_INDEX = 100_000_000;

	/** Configs, vocabularies and templates are smaller by far. */
	private static final long MAX_SMALL = 1L << 30;

	private static final List<String> SMALL = List.of(".json", ".tiktoken", ".txt", ".jsonl", ".jinja");

	private static final Pattern SHARD = Pattern.compile("(model[^/]*?)-(\\d{5})-of-(\\d{5})\\.safetensors");

	private final HubId id;

	private final List<RemoteFile> files;

	FileSelection(HubId id, List<RemoteFile> files) {
		this.id = id;
		this.files = files;
	}

	/**
	 * Chooses.
	 * @param index reads the index of shards; asked at most once
	 * @return the files, weights last, none twice
	 * @throws HubException if there is no model that can be read
	 */
	List<RemoteFile> choose(Content index) throws IOException, InterruptedException {
		List<RemoteFile> weights = weights(index);
		require("config.json");
		List<RemoteFile> chosen = new ArrayList<>();
		for (RemoteFile file : this.files) {
			boolean small = SMALL.stream().anyMatch(file.path()::endsWith) || file.path().endsWith("tokenizer.model");
			if (small) {
				if (file.size() > MAX_SMALL) {
					throw new HubException(
							"The file " + HubException.quote(file.path()) + " of " + this.id.repository() + " has "
									+ ByteSize.readable(file.size()) + "; expected at most "
									+ ByteSize.readable(MAX_SMALL) + " for a file next to the weights.",
							"Do not use this repository.");
				}
				chosen.add(file);
			}
		}
		chosen.sort(Comparator.comparing(RemoteFile::path));
		chosen.addAll(weights);
		Set<String> paths = new HashSet<>();
		for (RemoteFile file : chosen) {
			file.names();
			if (!paths.add(file.path())) {
				throw new HubException("The hub lists the file " + HubException.quote(file.path()) + " twice.",
						"Check that HF_ENDPOINT is a hub or a mirror of one.");
			}
		}
		return chosen;
	}

	/**
	 * Chooses the files of weights.
	 * @param index reads the index, if names alone do not tell
	 * @return the files in the order of their names
	 */
	List<RemoteFile> weights(Content index) throws IOException, InterruptedException {
		List<RemoteFile> found = this.files.stream()
			.filter((file) -> file.path().endsWith(".safetensors") && !file.path().contains("/"))
			.sorted(Comparator.comparing(RemoteFile::path))
			.toList();
		if (found.isEmpty()) {
			throw noWeights();
		}
		List<RemoteFile> single = found.stream().filter((file) -> file.path().equals(SINGLE)).toList();
		boolean indexed = has(INDEX);
		if (!single.isEmpty() && (!indexed || found.size() == 1)) {
			return single;
		}
		if (indexed) {
			return isOneSeries(found) ? found : indexed(index, single);
		}
		if (found.size() == 1) {
			return found;
		}
		throw new HubException(
				"The repository " + this.id.repository() + " has " + found.size() + " safetensors files ("
						+ names(found) + ") but neither " + SINGLE + " nor " + INDEX + ".",
				"Give a repository with the layout that transformers or mlx-lm writes.");
	}

	/**
	 * Whether the names are all shards of one series, which the index then names too:
	 * reading it is spared.
	 */
	private static boolean isOneSeries(List<RemoteFile> found) {
		int number = 0;
		for (RemoteFile file : found) {
			var shard = SHARD.matcher(file.path());
			number++;
			if (!shard.matches() || !shard.group(1).equals("model") || Integer.parseInt(shard.group(2)) != number
					|| Integer.parseInt(shard.group(3)) != found.size()) {
				return false;
			}
		}
		return true;
	}

	private List<RemoteFile> indexed(Content index, List<RemoteFile> single) throws IOException, InterruptedException {
		Set<String> names = new TreeSet<>();
		try {
			JsonNode map = JsonMapper.shared().readTree(index.read(require(INDEX), MAX_INDEX)).path("weight_map");
			for (JsonNode name : map.values()) {
				names.add(name.asString(""));
			}
		}
		catch (JacksonException ex) {
			throw new HubException("The file " + INDEX + " of " + this.id.repository() + " is not JSON.",
					"Do not use this repository.", ex);
		}
		// the index of former shards next to a single file
		if (!single.isEmpty() && !names.contains(SINGLE)) {
			return single;
		}
		if (names.isEmpty()) {
			throw new HubException("The file " + INDEX + " of " + this.id.repository() + " names no tensors.",
					"Do not use this repository.");
		}
		List<RemoteFile> shards = new ArrayList<>();
		for (String name : names) {
			shards.add(require(name));
		}
		return shards;
	}

	RemoteFile require(String path) {
		return this.files.stream()
			.filter((file) -> file.path().equals(path))
			.findFirst()
			.orElseThrow(() -> new HubException(
					"The repository " + this.id.repository() + " has no file " + HubException.quote(path) + ".",
					"Give a repository with a model in the Hugging Face or MLX layout."));
	}

	boolean has(String path) {
		return this.files.stream().anyMatch((file) -> file.path().equals(path));
	}

	private HubException noWeights() {
		List<RemoteFile> gguf = this.files.stream()
			.filter((file) -> file.path().endsWith(".gguf"))
			.sorted(Comparator.comparing(RemoteFile::path))
			.toList();
		String problem = "The repository " + this.id.repository() + " has no weights in safetensors format.";
		if (gguf.isEmpty()) {
			return new HubException(problem, "Give a repository with *.safetensors.");
		}
		return new HubException(problem + " It has GGUF files: " + names(gguf) + ".",
				"Give a repository with *.safetensors; or download one of these files and import it: "
						+ "flash import FILE.gguf --out DIR");
	}

	private static String names(List<RemoteFile> files) {
		int most = 30;
		return String.join(", ",
				files.stream()
					.limit(most)
					.map((file) -> HubException.quote(file.path()) + " (" + ByteSize.readable(file.size()) + ")")
					.toList())
				+ ((files.size() > most) ? " and " + (files.size() - most) + " more" : "");
	}

	/** Reads a file of the repository. */
	@FunctionalInterface
	interface Content {

		byte[] read(RemoteFile file, int limit) throws IOException, InterruptedException;

	}

}
