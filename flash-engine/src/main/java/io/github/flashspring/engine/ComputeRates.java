package io.github.flashspring.engine;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.List;

import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

import io.github.flashspring.engine.checkpoint.CacheFolder;
import io.github.flashspring.engine.metrics.EngineSnapshot.Pass;

/**
 * Remembers how fast a device decodes: bytes of weights per second that it computes with
 * when it waits for none, one small file for each device and precision. It is only a
 * help: what is foreign or corrupt is ignored, and a folder that cannot be written is no
 * error.
 */
final class ComputeRates {

	private static final Logger logger = LoggerFactory.getLogger(ComputeRates.class);

	private static final int VERSION = 1;

	private static final long MAX_FILE = 1 << 16;

	/** Fewer passes than these were computed while the JIT compiler still worked. */
	private static final int MIN_PASSES = 8;

	private final Path folder;

	/**
	 * Uses a folder.
	 * @param folder need not exist
	 */
	ComputeRates(Path folder) {
		this.folder = folder;
	}

	static ComputeRates ofSystem() {
		return new ComputeRates(CacheFolder.ofSystem());
	}

	/**
	 * What is known.
	 * @param device human-readable name, with its number of threads
	 * @param precision of most weights
	 * @return bytes per second; 0 if nothing is
	 */
	double find(String device, String precision) {
		try {
			Path file = file(device, precision);
			if (Files.size(file) > MAX_FILE) {
				return 0;
			}
			JsonNode root = JsonMapper.shared().readTree(Files.readAllBytes(file));
			double rate = root.path("bytesPerSecond").asDouble(0);
			boolean right = root.path("version").asInt(0) == VERSION && root.path("device").asString("").equals(device)
					&& root.path("precision").asString("").equals(precision) && rate > 0 && Double.isFinite(rate);
			return right ? rate : 0;
		}
		catch (NoSuchFileException ex) {
			return 0;
		}
		catch (IOException | JacksonException ex) {
			logger.debug("The rates in {} are ignored", this.folder, ex);
			return 0;
		}
	}

	/**
	 * Learns from the last passes of an engine, if enough of them decoded one token.
	 * @param device human-readable name, with its number of threads
	 * @param precision of most weights
	 * @param passes the last ones
	 * @param bytesPerToken weights that a token is multiplied with
	 */
	void learn(String device, String precision, List<Pass> passes, long bytesPerToken) {
		List<Long> times = passes.stream()
			.filter((pass) -> pass.rows() == 1 && pass.nanos() > pass.stallNanos())
			.map((pass) -> pass.nanos() - pass.stallNanos())
			.sorted()
			.toList();
		if (times.size() >= MIN_PASSES) {
			keep(device, precision, bytesPerToken * 1e9 / times.get(times.size() / 2));
		}
	}

	private void keep(String device, String precision, double rate) {
		ObjectNode root = JsonMapper.shared().createObjectNode();
		root.put("version", VERSION);
		root.put("device", device);
		root.put("precision", precision);
		root.put("bytesPerSecond", rate);
		try {
			Files.createDirectories(this.folder);
			Path temporary = Files.createTempFile(this.folder, "compute-", ".tmp");
			try {
				Files.write(temporary, JsonMapper.shared().writeValueAsBytes(root));
				Files.move(temporary, file(device, precision), StandardCopyOption.ATOMIC_MOVE,
						StandardCopyOption.REPLACE_EXISTING);
			}
			finally {
				Files.deleteIfExists(temporary);
			}
		}
		catch (IOException ex) {
			logger.debug("The rate of compute cannot be kept in {}", this.folder, ex);
		}
	}

	private Path file(String device, String precision) {
		try {
			byte[] hash = MessageDigest.getInstance("SHA-256")
				.digest((device + "\n" + precision).getBytes(StandardCharsets.UTF_8));
			return this.folder.resolve("compute-" + HexFormat.of().formatHex(hash, 0, 8) + ".json");
		}
		catch (NoSuchAlgorithmException ex) {
			throw new IllegalStateException("Every Java platform has SHA-256.", ex);
		}
	}

}
