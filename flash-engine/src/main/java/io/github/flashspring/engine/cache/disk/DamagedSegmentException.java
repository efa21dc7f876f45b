package io.github.flashspring.engine.cache.disk;

import java.io.IOException;

/**
 * A file of the prefix cache is damaged or none of ours.
 */
final class DamagedSegmentException extends IOException {

	DamagedSegmentException(String message) {
		super(message);
	}

}
