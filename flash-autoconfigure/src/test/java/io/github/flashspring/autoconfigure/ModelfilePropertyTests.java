package io.github.flashspring.autoconfigure;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import java.util.function.Consumer;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import org.springframework.boot.context.properties.EnableConfigurationProperties;
import org.springframework.boot.test.context.runner.ApplicationContextRunner;
import org.springframework.context.annotation.Configuration;
import org.springframework.mock.env.MockEnvironment;

import io.github.flashspring.autoconfigure.diagnostics.FlashSelection;
import io.github.flashspring.engine.FlashConfig;
import io.github.flashspring.engine.ModelfileSettings;
import io.github.flashspring.engine.memory.RamBudget;
import io.github.flashspring.engine.modelfile.ModelfileException;
import io.github.flashspring.engine.text.ChatMessage;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

/**
 * {@code flash.modelfile}: what it gives, and what goes over it.
 */
class ModelfilePropertyTests {

	@TempDir
	private Path folder;

	@Test
	void modelfileGivesModelAndSettings() throws IOException {
		String file = file("""
				FROM org/name
				PARAMETER num_ctx 512
				PARAMETER num_thread 3
				# FLASH_RAM_GB 1
				SYSTEM Be kind.
				""");
		run((properties) -> {
			assertThat(properties.toConfig()).isEqualTo(FlashConfig.builder("org/name")
				.contextLength(512)
				.threads(3)
				.ramBudget(RamBudget.ofGigabytes(1))
				.build());
			ModelfileSettings settings = Objects.requireNonNull(properties.modelfileSettings());
			assertThat(settings.before(List.of(ChatMessage.user("Hi")))).containsExactly(ChatMessage.system("Be kind."),
					ChatMessage.user("Hi"));
		}, "flash.modelfile=" + file);
	}

	@Test
	void propertiesGoOverTheModelfile() throws IOException {
		String file = file("FROM org/name\nPARAMETER num_ctx 512\nPARAMETER num_thread 3\n");
		run((properties) -> assertThat(properties.toConfig())
			.isEqualTo(FlashConfig.builder("other/name").contextLength(64).threads(3).build()),
				"flash.modelfile=" + file, "flash.model=other/name", "flash.context-length=64");
	}

	@Test
	void modelfileMayLieOnTheClassPath() {
		run((properties) -> assertThat(properties.toConfig().model()).isEqualTo("org/of-the-class-path"),
				"flash.modelfile=classpath:Modelfile");
	}

	@Test
	void refusalsAndMissingFilesAreNamed() throws IOException {
		String file = file("FROM org/name\nADAPTER ./lora\n");
		run((properties) -> assertThatExceptionOfType(ModelfileException.class).isThrownBy(properties::toConfig)
			.withMessageContaining("line 2"), "flash.modelfile=" + file);
		run((properties) -> assertThatExceptionOfType(InvalidFlashSettingsException.class)
			.isThrownBy(properties::toConfig)
			.withMessageContaining("none.txt"), "flash.modelfile=file:none.txt");
	}

	@Test
	void modelfileSelectsFlash() {
		MockEnvironment environment = new MockEnvironment().withProperty("flash.modelfile", "file:Modelfile");
		assertThat(FlashSelection.of(environment).selected()).isTrue();
	}

	private String file(String text) throws IOException {
		return Files.writeString(this.folder.resolve("Modelfile"), text).toUri().toString();
	}

	private static void run(Consumer<FlashProperties> check, String... properties) {
		new ApplicationContextRunner().withUserConfiguration(Properties.class)
			.withPropertyValues(properties)
			.run((context) -> check.accept(context.getBean(FlashProperties.class)));
	}

	@Configuration(proxyBeanMethods = false)
	@EnableConfigurationProperties(FlashProperties.class)
	static class Properties {

	}

}
