package io.github.flashspring.engine.checkpoint;

import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;

import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

import static org.assertj.core.api.Assertions.assertThat;

class CacheFolderTests {

	@Test
	void theVariableComesBeforeTheHomeFolder() {
		Map<String, @Nullable String> environment = new HashMap<>();
		assertThat(CacheFolder.of(environment::get, "/home/me")).isEqualTo(Path.of("/home/me/.cache/flash"));
		environment.put("FLASH_CACHE_DIR", " ");
		assertThat(CacheFolder.of(environment::get, "/home/me")).isEqualTo(Path.of("/home/me/.cache/flash"));
		environment.put("FLASH_CACHE_DIR", "/var/cache/flash");
		assertThat(CacheFolder.of(environment::get, "/home/me")).isEqualTo(Path.of("/var/cache/flash"));
	}

}
