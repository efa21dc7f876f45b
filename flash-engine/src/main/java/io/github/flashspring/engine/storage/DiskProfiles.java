package io.github.flashspring.engine.storage;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.time.format.DateTimeParseException;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.SequencedMap;

import io.github.flashspring.engine.storage.DiskProfile.Shape;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * Remembers what was measured of disks, one small JSON file for each in a folder. It is
 * only a help: what is old, foreign or corrupt is ignored, and a folder that cannot be
 * written is no error.
 */
final class DiskProfiles {

	private static final Logger logger = LoggerFactory.getLogger(DiskProfiles.class);

	private static final int VERSION = 2;

	private static final int MAX_FILE = 1 << 20;

	private static final int MAX_RATES = 32;

	/** Disks are replaced, and virtual ones moved, behind the same name. */
	private static final Duration FRESH = Duration.ofDays(30);

	private final JsonMapper json = JsonMapper.shared();

	private final Path folder;

	private final InstantSource clock;

	/**
	 * Uses a folder.
	 * @param folder need not exist
	 * @param clock tells how old a profile is
	 */
	DiskProfiles(Path folder, InstantSource clock) {
		this.folder = folder;
		this.clock = clock;
	}

	/**
	 * Finds a profile.
	 * @param device names the disk
	 * @param direct whether reads go around the page cache
	 * @return null if none is known that can be used
	 */
	@Nullable DiskProfile find(String device, boolean direct) {
		Path file = file(device, direct);
		try {
			if (Files.size(file) > MAX_FILE) {
				return null;
			}
			JsonNode root = this.json.readTree(Files.readAllBytes(file));
			Instant measured = Instant.parse(root.path("measured").asString(""));
			Instant now = this.clock.instant();
			if (root.path("version").asInt(0) != VERSION || !root.path("device").asString("").equals(device)
					|| root.path("direct").asBoolean(!direct) != direct
					|| measured.isAfter(now.plus(Duration.ofDays(1))) || measured.isBefore(now.minus(FRESH))) {
				logger.debug("Ignoring {}: it is old or describes another disk", file);
				return null;
			}
			return new DiskProfile(device, direct, rates(root.path("patterns")));
		}
		catch (NoSuchFileException ex) {
			return null;
		}
		catch (IOException | JacksonException | DateTimeParseException | IllegalArgumentException ex) {
			logger.debug("Ignoring {}", file, ex);
			return null;
		}
	}

	private static SequencedMap<Shape, List<Double>> rates(JsonNode patterns) {
		List<Shape> known = Shape.all();
		SequencedMap<Shape, List<Double>> rates = new LinkedHashMap<>();
		for (JsonNode pattern : patterns) {
			Shape shape = new Shape(pattern.path("readBytes").asInt(0), pattern.path("readsInFlight").asInt(0));
			List<Double> values = new ArrayList<>();
			for (JsonNode value : pattern.path("bytesPerSecond")) {
				double rate = value.asDouble(0);
				if (!(rate > 0 && Double.isFinite(rate)) || values.size() == MAX_RATES) {
					throw new IllegalArgumentException("unexpected rates");
				}
				values.add(rate);
			}
			if (!known.contains(shape) || values.isEmpty() || rates.put(shape, values) != null) {
				throw new IllegalArgumentException("unexpected pattern");
			}
		}
		return rates;
	}

	/**
	 * Keeps a profile, under a temporary name first.
	 * @param profile what was measured
	 */
	void keep(DiskProfile profile) {
		ObjectNode root = this.json.createObjectNode();
		root.put("version", VERSION);
		root.put("device", profile.device());
		root.put("direct", profile.direct());
		root.put("measured", this.clock.instant().toString());
		ArrayNode patterns = root.putArray("patterns");
		profile.rates().forEach((shape, values) -> {
			ObjectNode pattern = patterns.addObject();
			pattern.put("readBytes", shape.readBytes());
			pattern.put("readsInFlight", shape.readsInFlight());
			ArrayNode array = pattern.putArray("bytesPerSecond");
			values.forEach(array::add);
		});
		Path file = file(profile.device(), profile.direct());
		Path temporary = null;
		try {
			Files.createDirectories(this.folder);
			temporary = Files.createTempFile(this.folder, "disk-", ".tmp");
			Files.write(temporary, this.json.writerWithDefaultPrettyPrinter().writeValueAsBytes(root));
			Files.move(temporary, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
		}
		catch (IOException | UnsupportedOperationException ex) {
			logger.info("What was measured of the disk cannot be kept in {} and will be measured again ({}). "
					+ "FLASH_CACHE_DIR names another folder.", this.folder, ex.toString());
			delete(temporary);
		}
	}

	private static void delete(@Nullable Path temporary) {
		try {
			if (temporary != null) {
				Files.deleteIfExists(temporary);
			}
		}
		catch (IOException ex) {
			logger.debug("Cannot delete {}", temporary, ex);
		}
	}

	/** Both ways to read a disk are remembered, side by side. */
	private Path file(String device, boolean direct) {
		try {
			byte[] hash = MessageDigest.getInstance("SHA-256")
				.digest((direct ? device : device + " buffered").getBytes(StandardCharsets.UTF_8));
			return this.folder.resolve("disk-" + HexFormat.of().formatHex(hash, 0, 8) + ".json");
		}
		catch (NoSuchAlgorithmException ex) {
			throw new IllegalStateException("Every Java platform has SHA-256.", ex);
		}
	}

}
