package io.github.flashspring.samples.chatweb;

import java.nio.file.Path;
import java.util.Map;

import org.junit.jupiter.api.Test;

import org.springframework.boot.SpringApplication;
import org.springframework.core.env.MapPropertySource;
import org.springframework.core.env.StandardEnvironment;

import static org.assertj.core.api.Assertions.assertThat;

/**
 * Tests for {@link EmbeddedModel}.
 */
class EmbeddedModelTests {

	private final StandardEnvironment environment = new StandardEnvironment();

	@Test
	void unpacksTheModelWhenNoneIsSet() {
		process();
		Path folder = Path.of(this.environment.getRequiredProperty("flash.model"));
		assertThat(folder).isDirectory().hasFileName("stories260K");
		assertThat(folder.resolve("model.safetensors")).hasSize(524_952);
		assertThat(folder).isDirectoryContaining("glob:**/config.json")
			.isDirectoryContaining("glob:**/generation_config.json")
			.isDirectoryContaining("glob:**/tokenizer.json")
			.isDirectoryContaining("glob:**/tokenizer_config.json");
	}

	@Test
	void unpacksAgainOverWhatIsThere() {
		process();
		Path folder = Path.of(this.environment.getRequiredProperty("flash.model"));
		this.environment.getPropertySources().remove("embedded model");
		process();
		assertThat(folder.resolve("model.safetensors")).hasSize(524_952);
		assertThat(folder.toFile().list()).hasSize(5);
	}

	@Test
	void leavesAModelThatIsSetAlone() {
		this.environment.getPropertySources()
			.addFirst(new MapPropertySource("test", Map.of("flash.model", "/models/mine")));
		process();
		assertThat(this.environment.getProperty("flash.model")).isEqualTo("/models/mine");
		assertThat(this.environment.getPropertySources().contains("embedded model")).isFalse();
	}

	private void process() {
		new EmbeddedModel().postProcessEnvironment(this.environment, new SpringApplication());
	}

}
