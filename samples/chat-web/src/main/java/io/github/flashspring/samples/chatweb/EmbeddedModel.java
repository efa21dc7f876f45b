package io.github.flashspring.samples.chatweb;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.List;
import java.util.Map;

import org.springframework.boot.EnvironmentPostProcessor;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.system.ApplicationTemp;
import org.springframework.core.env.ConfigurableEnvironment;
import org.springframework.core.env.MapPropertySource;
import org.springframework.core.io.ClassPathResource;

/**
 * Lets the sample run without any setting: where {@code flash.model} is not set, the
 * small story model of the class path is unpacked into a temporary folder and used. An
 * application with a model of its own needs nothing like it.
 */
class EmbeddedModel implements EnvironmentPostProcessor {

	private static final String NAME = "stories260K";

	private static final List<String> FILES = List.of("config.json", "generation_config.json", "model.safetensors",
			"tokenizer.json", "tokenizer_config.json");

	@Override
	public void postProcessEnvironment(ConfigurableEnvironment environment, SpringApplication application) {
		if (!environment.containsProperty("flash.model")) {
			Path folder = new ApplicationTemp(EmbeddedModel.class).getDir(NAME).toPath();
			FILES.forEach((file) -> unpack(file, folder));
			environment.getPropertySources()
				.addLast(new MapPropertySource("embedded model", Map.of("flash.model", folder.toString())));
		}
	}

	/**
	 * Puts a file in its place at once, since another instance of the application may be
	 * reading the one that was there.
	 */
	private static void unpack(String file, Path folder) {
		try (InputStream content = new ClassPathResource(NAME + "/" + file).getInputStream()) {
			Path unpacked = Files.createTempFile(folder, file, null);
			Files.copy(content, unpacked, StandardCopyOption.REPLACE_EXISTING);
			Files.move(unpacked, folder.resolve(file), StandardCopyOption.ATOMIC_MOVE);
		}
		catch (IOException ex) {
			throw new UncheckedIOException("Cannot unpack " + file + " of the embedded model into " + folder, ex);
		}
	}

}
