package io.github.flashspring.engine.checkpoint;

import java.nio.file.Path;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * The checked header of one safetensors file.
 *
 * @param file the file
 * @param fileSize its size when the header was read, in bytes
 * @param dataOffset where the data section begins, in bytes from the start of the file
 * @param tensors the tensors by name, in the order of their data
 * @param metadata the {@code __metadata__} entries, empty if there are none
 */
public record SafetensorsHeader(Path file, long fileSize, long dataOffset, Map<String, TensorInfo> tensors,
		Map<String, String> metadata) {

	/**
	 * Copies the maps, keeping their order.
	 */
	public SafetensorsHeader {
		tensors = Collections.unmodifiableMap(new LinkedHashMap<>(tensors));
		metadata = Collections.unmodifiableMap(new LinkedHashMap<>(metadata));
	}

}
