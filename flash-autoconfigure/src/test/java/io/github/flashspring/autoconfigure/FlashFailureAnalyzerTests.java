package io.github.flashspring.autoconfigure;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

import org.springframework.boot.SpringApplication;
import org.springframework.boot.WebApplicationType;
import org.springframework.boot.autoconfigure.ImportAutoConfiguration;
import org.springframework.boot.test.system.CapturedOutput;
import org.springframework.boot.test.system.OutputCaptureExtension;
import org.springframework.context.annotation.Configuration;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatException;

/**
 * What someone reads whose application does not start.
 */
@ExtendWith(OutputCaptureExtension.class)
class FlashFailureAnalyzerTests {

	@Test
	void modelIsNotSet(CapturedOutput output) {
		start("spring.ai.model.chat=flash");
		assertThat(description(output)).contains("the property 'flash.model' is not set");
		assertThat(action(output)).contains("Set 'flash.model' to the folder of a checkpoint");
	}

	@Test
	void folderDoesNotExist(CapturedOutput output) {
		start("flash.model=/no/such/folder");
		assertThat(description(output)).contains("flash.model").contains("'/no/such/folder'");
		assertThat(action(output)).contains("Give an existing folder");
	}

	@Test
	void hubModelIsNotInTheCache(CapturedOutput output) {
		start("flash.model=nobody/never-downloaded");
		assertThat(description(output)).contains("'nobody/never-downloaded'");
		assertThat(action(output)).contains("flash pull nobody/never-downloaded", "'flash.hub.pull' to 'when-missing'");
	}

	@Test
	void fileIsTruncated(CapturedOutput output, @TempDir Path folder) throws IOException {
		copy(TestModels.STORIES, folder);
		byte[] weights = Files.readAllBytes(folder.resolve("model.safetensors"));
		Files.write(folder.resolve("model.safetensors"), Arrays.copyOf(weights, weights.length / 2));
		start("flash.model=" + folder);
		assertThat(description(output)).contains("model.safetensors");
		assertThat(action(output)).isNotBlank();
	}

	@Test
	void budgetIsTooSmall(CapturedOutput output) {
		start("flash.model=" + TestModels.STORIES, "flash.ram-budget-gb=0.00001");
		assertThat(action(output)).containsPattern("Set 'flash.ram-budget-gb' to at least 0\\.00\\d+");
	}

	@Test
	void budgetThatIsAdvisedIsEnough(CapturedOutput output) {
		start("flash.model=" + TestModels.STORIES, "flash.ram-budget-gb=0.00001");
		String advice = action(output).replaceAll("(?s).*at least ([0-9.]+),.*", "$1");
		SpringApplication
			.run(Application.class, "--flash.model=" + TestModels.STORIES, "--spring.main.web-application-type=none",
					"--flash.ram-budget-gb=" + advice)
			.close();
	}

	@Test
	void architectureIsNotKnown(CapturedOutput output, @TempDir Path folder) throws IOException {
		copy(TestModels.STORIES, folder);
		Path config = folder.resolve("config.json");
		Files.writeString(config, Files.readString(config).replace("\"llama\"", "\"perceptron\""));
		start("flash.model=" + folder);
		assertThat(description(output)).contains("flash.model").contains("perceptron");
		assertThat(action(output)).contains("Choose a model of one of these architectures");
	}

	@Test
	void scalingOfPositionsIsNotKnown(CapturedOutput output, @TempDir Path folder) throws IOException {
		copy(TestModels.STORIES, folder);
		Path config = folder.resolve("config.json");
		Files.writeString(config, Files.readString(config)
			.replace("\"rope_scaling\": null", "\"rope_scaling\": {\"type\": \"dynamic\", \"factor\": 2.0}"));
		start("flash.model=" + folder);
		assertThat(description(output)).contains("config.json").contains("\"dynamic\"");
		assertThat(action(output)).contains("Set a fixed scaling there, such as yarn");
	}

	@Test
	void tokenizerIsMissing(CapturedOutput output) {
		start("flash.model=" + TestModels.WITHOUT_TOKENIZER);
		assertThat(description(output)).contains("has no tokenizer.json");
		assertThat(action(output)).contains("Put the tokenizer.json that belongs to the model into its folder");
	}

	@Test
	void tokenizerIsDamaged(CapturedOutput output, @TempDir Path folder) throws IOException {
		copy(TestModels.STORIES, folder);
		Files.writeString(folder.resolve("tokenizer.json"), "{\"model\": {");
		start("flash.model=" + folder);
		assertThat(description(output)).contains("tokenizer.json");
		assertThat(action(output)).isNotBlank();
	}

	@Test
	void chatTemplateIsDamaged(CapturedOutput output, @TempDir Path folder) throws IOException {
		copy(TestModels.STORIES, folder);
		Files.writeString(folder.resolve("chat_template.jinja"), "{% for message in %}");
		start("flash.model=" + folder);
		assertThat(description(output)).contains("chat_template.jinja");
		assertThat(action(output)).isNotBlank();
	}

	@Test
	void deviceIsNotKnown(CapturedOutput output) {
		start("flash.model=" + TestModels.STORIES, "flash.device=abacus");
		assertThat(description(output)).contains("abacus").contains("cpu");
		assertThat(action(output)).contains("flash.device");
	}

	@Test
	void valueHasTheWrongType(CapturedOutput output) {
		start("flash.model=" + TestModels.STORIES, "flash.threads=many");
		assertThat(description(output)).contains("flash.threads").contains("many").contains("Integer");
		assertThat(action(output)).isNotBlank();
	}

	@Test
	void valueIsOutOfRange(CapturedOutput output) {
		start("flash.model=" + TestModels.STORIES, "flash.chat.top-p=2");
		assertThat(description(output)).contains("flash.chat.top-p").contains("TopP must be above 0 and at most 1");
		assertThat(action(output)).isNotBlank();
	}

	@Test
	void contextIsLongerThanTheModelKnows(CapturedOutput output) {
		start("flash.model=" + TestModels.STORIES, "flash.context-length=1000000");
		assertThat(description(output)).contains("context-length must be at most");
		assertThat(action(output)).contains("flash.context-length");
	}

	private static void start(String... properties) {
		SpringApplication application = new SpringApplication(Application.class);
		application.setWebApplicationType(WebApplicationType.NONE);
		String[] arguments = Arrays.stream(properties).map((property) -> "--" + property).toArray(String[]::new);
		assertThatException().isThrownBy(() -> application.run(arguments));
	}

	private static String description(CapturedOutput output) {
		return section(output, "Description:", "Action:");
	}

	private static String action(CapturedOutput output) {
		return section(output, "Action:", "\0");
	}

	private static String section(CapturedOutput output, String from, String to) {
		String all = output.getAll() + "\0";
		assertThat(all).contains("APPLICATION FAILED TO START").contains(from);
		int start = all.indexOf(from) + from.length();
		return all.substring(start, all.indexOf(to, start));
	}

	private static void copy(String model, Path folder) throws IOException {
		try (var files = Files.list(Path.of(model))) {
			for (Path file : files.toList()) {
				Files.copy(file, folder.resolve(file.getFileName()));
			}
		}
	}

	@Configuration(proxyBeanMethods = false)
	@ImportAutoConfiguration(FlashAutoConfiguration.class)
	static class Application {

	}

}
