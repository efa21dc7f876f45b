package io.github.flashspring.engine.checkpoint;

import java.nio.file.Path;
import java.util.function.Function;

import org.jspecify.annotations.Nullable;

/**
 * Where small files are kept from one run to the next: {@code FLASH_CACHE_DIR}, or
 * {@code ~/.cache/flash}.
 */
public final class CacheFolder {

	private CacheFolder() {
	}

	/**
	 * {@return the folder of this process, which need not exist}
	 */
	public static Path ofSystem() {
		return of(System::getenv, System.getProperty("user.home", "."));
	}

	static Path of(Function<String, @Nullable String> environment, String home) {
		String folder = environment.apply("FLASH_CACHE_DIR");
		return (folder == null || folder.isBlank()) ? Path.of(home, ".cache", "flash") : Path.of(folder);
	}

}
