package io.github.flashspring.engine.checkpoint;

import java.net.URI;
import java.net.URISyntaxException;
import java.net.URL;
import java.nio.file.Path;

/**
 * Finds the checkpoints among the test resources.
 */
public final class TestData {

	private TestData() {
	}

	public static Path path(String resource) {
		URL url = TestData.class.getResource("/" + resource);
		if (url == null) {
			throw new IllegalArgumentException("No test resource " + resource);
		}
		try {
			return Path.of(new URI(url.toString()));
		}
		catch (URISyntaxException ex) {
			throw new IllegalArgumentException(ex);
		}
	}

}
