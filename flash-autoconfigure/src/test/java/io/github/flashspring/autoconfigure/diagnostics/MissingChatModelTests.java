package io.github.flashspring.autoconfigure.diagnostics;

import java.io.DataInputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;

import org.jspecify.annotations.NullUnmarked;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

import org.springframework.ai.chat.client.ChatClient;
import org.springframework.ai.chat.model.ChatModel;
import org.springframework.beans.factory.NoSuchBeanDefinitionException;
import org.springframework.beans.factory.support.DefaultListableBeanFactory;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.WebApplicationType;
import org.springframework.boot.diagnostics.FailureAnalysis;
import org.springframework.boot.test.system.CapturedOutput;
import org.springframework.boot.test.system.OutputCaptureExtension;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.context.support.GenericApplicationContext;
import org.springframework.mock.env.MockEnvironment;

import io.github.flashspring.autoconfigure.FlashAutoConfiguration;
import io.github.flashspring.chat.ScriptedEngine;
import io.github.flashspring.engine.FlashEngine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatException;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

/**
 * What someone reads whose application finds no chat model, or runs on an old Java.
 */
@NullUnmarked
@ExtendWith(OutputCaptureExtension.class)
class MissingChatModelTests {

	@Test
	void nothingIsSet(CapturedOutput output) {
		start(List.of(NeedsChatModel.class, FlashAutoConfiguration.class));
		assertThat(output).contains("required a bean of type 'org.springframework.ai.chat.model.ChatModel'")
			.contains("Flash is inactive because neither 'flash.model' nor 'spring.ai.model.chat' is set.")
			.contains("Set 'flash.model' to the folder of a checkpoint");
	}

	@Test
	void anotherChatModelIsChosen(CapturedOutput output) {
		start(List.of(NeedsChatModel.class, FlashAutoConfiguration.class), "spring.ai.model.chat=ollama",
				"flash.model=some/model");
		assertThat(output).contains("Flash is inactive because 'spring.ai.model.chat' is 'ollama'.")
			.contains("To use Flash, set 'spring.ai.model.chat' to 'flash'. To use 'ollama', add its starter.");
	}

	@Test
	void severalEnginesAndNoneIsPrimary(CapturedOutput output) {
		start(List.of(NeedsChatModel.class, TwoEngines.class, FlashAutoConfiguration.class),
				"spring.ai.model.chat=flash");
		assertThat(output).contains("there are 2 FlashEngine beans and none of them is primary: large, small.")
			.contains("Mark one of them with @Primary")
			.doesNotContain("-parameters");
	}

	@Test
	void autoConfigurationIsNotThere(CapturedOutput output) {
		start(List.of(NeedsChatModel.class), "flash.model=some/model");
		assertThat(output).contains("Flash is inactive, although 'flash.model' or 'flash.modelfile' is set")
			.contains("Use @SpringBootApplication or @EnableAutoConfiguration");
	}

	@Test
	void javaIsTooOldForAMissingChatClient() {
		MockEnvironment environment = new MockEnvironment();
		FailureAnalysis analysis = new MissingChatModelFailureAnalyzer(new DefaultListableBeanFactory(), environment,
				21)
			.analyze(new NoSuchBeanDefinitionException(ChatClient.Builder.class));
		assertThat(analysis).isNotNull();
		assertThat(analysis.getDescription()).contains("Flash needs Java 25 or newer, this is 21 (")
			.contains("neither 'flash.model' nor");
		assertThat(analysis.getAction()).contains("Start the application with a JDK 25 or newer")
			.contains("Set 'flash.model'");
	}

	@Test
	void otherMissingBeansAreLeftToSpringBoot() {
		assertThat(new MissingChatModelFailureAnalyzer(new DefaultListableBeanFactory(), new MockEnvironment())
			.analyze(new NoSuchBeanDefinitionException(Runnable.class))).isNull();
	}

	@Test
	void startOnAnOldJavaEndsOnlyWhereFlashIsChosen() {
		GenericApplicationContext context = new GenericApplicationContext();
		MockEnvironment environment = new MockEnvironment();
		context.setEnvironment(environment);
		assertThatCode(() -> new JavaVersionInitializer(17).initialize(context)).doesNotThrowAnyException();
		environment.setProperty("flash.model", "some/model");
		assertThatCode(() -> new JavaVersionInitializer(25).initialize(context)).doesNotThrowAnyException();
		assertThatExceptionOfType(UnsupportedJavaException.class)
			.isThrownBy(() -> new JavaVersionInitializer(17).initialize(context))
			.withMessageStartingWith("Flash needs Java 25 or newer, this is 17 (")
			.satisfies((ex) -> assertThat(new UnsupportedJavaFailureAnalyzer().analyze(ex)).isNotNull()
				.satisfies((analysis) -> assertThat(analysis.getDescription()).isEqualTo(ex.getMessage())));
		environment.setProperty("spring.ai.model.chat", "ollama");
		assertThatCode(() -> new JavaVersionInitializer(17).initialize(context)).doesNotThrowAnyException();
	}

	@Test
	void classFilesAreThoseOfJava17() throws IOException {
		Path folder = Path.of("target/classes/io/github/flashspring/autoconfigure/diagnostics");
		try (Stream<Path> files = Files.list(folder)) {
			List<Path> classes = files.toList();
			assertThat(classes).hasSizeGreaterThan(5)
				.allSatisfy((file) -> assertThat(majorVersion(file)).isEqualTo(61));
		}
	}

	private static int majorVersion(Path file) throws IOException {
		try (DataInputStream content = new DataInputStream(Files.newInputStream(file))) {
			content.skipNBytes(6);
			return content.readUnsignedShort();
		}
	}

	private static void start(List<Class<?>> sources, String... properties) {
		SpringApplication application = new SpringApplication(sources.toArray(Class<?>[]::new));
		application.setWebApplicationType(WebApplicationType.NONE);
		String[] arguments = Arrays.stream(properties).map((property) -> "--" + property).toArray(String[]::new);
		assertThatException().isThrownBy(() -> application.run(arguments));
	}

	@Configuration(proxyBeanMethods = false)
	static class NeedsChatModel {

		@Bean
		Object question(ChatModel chatModel) {
			return chatModel;
		}

	}

	@Configuration(proxyBeanMethods = false)
	static class TwoEngines {

		@Bean
		FlashEngine large() {
			return ScriptedEngine.saying("Hello");
		}

		@Bean
		FlashEngine small() {
			return ScriptedEngine.saying("Hi");
		}

	}

}
