package io.github.flashspring.engine.text;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Locale;
import java.util.Properties;

import ai.djl.huggingface.tokenizers.jni.LibUtils;
import ai.djl.huggingface.tokenizers.jni.TokenizersLibrary;
import ai.djl.util.Utils;
import org.jspecify.annotations.Nullable;

/**
 * The native library that DJL's jar carries for Hugging Face's tokenizers. It is unpacked
 * into DJL's cache folder and loaded from there, as DJL does it. DJL's own loader would
 * search for a GPU first: that loads the library of JNA, logs where it looks, and may
 * download another build.
 */
final class TokenizersBinary {

	private static final String FOLDER = "/native/lib/";

	private TokenizersBinary() {
	}

	/**
	 * Loads the library; nothing happens if it is loaded.
	 * @throws UncheckedIOException if it cannot be unpacked
	 * @throws UnsatisfiedLinkError if it cannot be loaded
	 */
	static synchronized void load() {
		String platform = platform(System.getProperty("os.name"), System.getProperty("os.arch"));
		String name = System.mapLibraryName("tokenizers");
		String resource = FOLDER + platform + "/cpu/" + name;
		// A library belongs to the class loader that loads it. Windows needs others
		// before it.
		if (platform == null || TokenizersLibrary.class.getResource(resource) == null
				|| TokenizersLibrary.class.getClassLoader() != TokenizersBinary.class.getClassLoader()) {
			LibUtils.checkStatus();
			return;
		}
		try {
			Path file = Utils.getEngineCacheDir("tokenizers")
				.resolve(version() + "-cpu-" + platform)
				.resolve(name)
				.toAbsolutePath();
			if (!Files.exists(file)) {
				unpack(resource, file);
			}
			System.load(file.toString());
		}
		catch (IOException ex) {
			throw new UncheckedIOException("The native library cannot be unpacked: " + ex, ex);
		}
	}

	/**
	 * The name of a platform in DJL's jar.
	 * @param system {@code os.name}
	 * @param processor {@code os.arch}
	 * @return such as {@code linux-x86_64}; null for one that is not loaded here
	 */
	static @Nullable String platform(String system, String processor) {
		String architecture = processor.equals("amd64") ? "x86_64" : processor;
		String lower = system.toLowerCase(Locale.ROOT);
		if (lower.startsWith("linux")) {
			return "linux-" + architecture;
		}
		return lower.startsWith("mac") ? "osx-" + architecture : null;
	}

	private static String version() throws IOException {
		Properties properties = new Properties();
		try (InputStream content = TokenizersLibrary.class.getResourceAsStream(FOLDER + "tokenizers.properties")) {
			properties.load(content);
		}
		return properties.getProperty("version");
	}

	/** Puts the file in its place at once: another process may be loading it. */
	private static void unpack(String resource, Path file) throws IOException {
		Path folder = Files.createDirectories(file.getParent());
		Path unpacked = Files.createTempFile(folder, "tokenizers", null);
		try {
			try (InputStream content = TokenizersLibrary.class.getResourceAsStream(resource)) {
				Files.copy(content, unpacked, StandardCopyOption.REPLACE_EXISTING);
			}
			Files.move(unpacked, file, StandardCopyOption.ATOMIC_MOVE);
		}
		finally {
			Files.deleteIfExists(unpacked);
		}
	}

}
