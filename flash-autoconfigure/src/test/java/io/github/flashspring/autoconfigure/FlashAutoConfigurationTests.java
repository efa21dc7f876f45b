package io.github.flashspring.autoconfigure;

import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicReference;

import io.micrometer.observation.ObservationRegistry;
import io.micrometer.observation.tck.TestObservationRegistry;
import io.micrometer.observation.tck.TestObservationRegistryAssert;
import org.junit.jupiter.api.Test;

import org.springframework.ai.chat.client.ChatClient;
import org.springframework.ai.chat.model.ChatModel;
import org.springframework.ai.chat.observation.ChatModelObservationConvention;
import org.springframework.ai.chat.observation.DefaultChatModelObservationConvention;
import org.springframework.ai.chat.prompt.Prompt;
import org.springframework.ai.model.chat.client.autoconfigure.ChatClientAutoConfiguration;
import org.springframework.ai.model.tool.autoconfigure.ToolCallingAutoConfiguration;
import org.springframework.boot.autoconfigure.AutoConfigurations;
import org.springframework.boot.test.context.FilteredClassLoader;
import org.springframework.boot.test.context.runner.ApplicationContextRunner;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;

import io.github.flashspring.chat.FlashChatModel;
import io.github.flashspring.chat.FlashChatOptions;
import io.github.flashspring.chat.GenerationListener;
import io.github.flashspring.chat.ScriptedEngine;
import io.github.flashspring.engine.FlashEngine;
import io.github.flashspring.engine.FlashRuntime;
import io.github.flashspring.engine.Usage;
import io.github.flashspring.engine.generate.FinishReason;
import io.github.flashspring.engine.memory.RamBudget;

import static org.assertj.core.api.Assertions.assertThat;

class FlashAutoConfigurationTests {

	private final ApplicationContextRunner runner = new ApplicationContextRunner()
		.withConfiguration(AutoConfigurations.of(FlashAutoConfiguration.class));

	private final ApplicationContextRunner scripted = this.runner.withUserConfiguration(ScriptedConfiguration.class)
		.withPropertyValues("spring.ai.model.chat=flash");

	@Test
	void nothingWithoutAModelOrAChoice() {
		this.runner.run((context) -> assertThat(context).doesNotHaveBean(FlashEngine.class)
			.doesNotHaveBean(ChatModel.class)
			.doesNotHaveBean(FlashProperties.class));
	}

	@Test
	void activeWhenAModelIsNamed() {
		this.runner.withUserConfiguration(ScriptedConfiguration.class)
			.withPropertyValues("flash.model=some/model")
			.run((context) -> assertThat(context).hasSingleBean(FlashChatModel.class));
	}

	@Test
	void activeWhenChosen() {
		this.scripted.run((context) -> assertThat(context).hasSingleBean(FlashChatModel.class));
	}

	@Test
	void inactiveWhenAnotherChatModelIsChosen() {
		this.runner.withPropertyValues("flash.model=some/model", "spring.ai.model.chat=ollama")
			.run((context) -> assertThat(context).doesNotHaveBean(FlashEngine.class).doesNotHaveBean(ChatModel.class));
	}

	@Test
	void inactiveWithoutSpringAi() {
		this.runner.withPropertyValues("flash.model=some/model")
			.withClassLoader(new FilteredClassLoader(ChatModel.class))
			.run((context) -> assertThat(context).hasNotFailed().doesNotHaveBean(FlashEngine.class));
	}

	@Test
	void modelIsLoadedWhenTheApplicationStarts() {
		this.runner.withPropertyValues("flash.model=" + TestModels.STORIES, "flash.context-length=64")
			.run((context) -> {
				assertThat(context).hasSingleBean(FlashEngine.class);
				assertThat(context.getBean(FlashEngine.class).model().architecture()).isEqualTo("llama");
				assertThat(context.getBean(FlashEngine.class).model().contextLength()).isEqualTo(64);
				assertThat(context.getBean(FlashChatModel.class).getOptions().getModel()).isEqualTo("f32");
				assertThat(context.getBean(FlashEngine.class).model().id()).isEqualTo("f32");
			});
	}

	@Test
	void engineOfTheApplicationIsUsedAndNamesTheModel() {
		this.scripted.run((context) -> {
			assertThat(context).hasSingleBean(FlashEngine.class);
			assertThat(context.getBean(FlashChatModel.class).getOptions().getModel()).isEqualTo("scripted");
			assertThat(context.getBean(ChatModel.class).call("Hi")).isEqualTo("Hello there");
		});
	}

	@Test
	void chatModelOfTheApplicationIsUsed() {
		this.scripted.withUserConfiguration(ChatModelConfiguration.class)
			.run((context) -> assertThat(context).hasSingleBean(FlashChatModel.class).hasBean("myChatModel"));
	}

	@Test
	void modelNameIsTheConfiguredOne() {
		this.runner
			.withPropertyValues("flash.model=" + TestModels.STORIES, "flash.model-name=stories",
					"flash.load=background")
			.run((context) -> {
				FlashChatModel model = context.getBean(FlashChatModel.class);
				assertThat(model.getOptions().getModel()).isEqualTo("stories");
				assertThat(model.call(new Prompt("Once", FlashChatOptions.builder().maxTokens(1).build()))
					.getMetadata()
					.getModel()).isEqualTo("stories");
				assertThat(context.getBean(FlashEngine.class).model().id()).isEqualTo("stories");
			});
	}

	@Test
	void theModelRunsOnTheRuntimeOfTheApplication() {
		this.runner.withPropertyValues("flash.model=" + TestModels.STORIES)
			.withBean(FlashRuntime.class, () -> FlashRuntime.open("cpu", 1, RamBudget.ofGigabytes(0.5)))
			.run((context) -> {
				assertThat(context).hasNotFailed();
				assertThat(context.getBean(FlashRuntime.class).plannedBytes())
					.isEqualTo(context.getBean(FlashEngine.class).plan().plannedBytes());
			});
	}

	@Test
	void propertiesOfTheRuntimeAreRefused() {
		this.runner.withPropertyValues("flash.model=" + TestModels.STORIES, "flash.ram-budget-gb=1")
			.withBean(FlashRuntime.class, () -> FlashRuntime.open("cpu", 1, RamBudget.ofGigabytes(0.5)))
			.run((context) -> assertThat(context).getFailure()
				.rootCause()
				.hasMessageContainingAll("ram-budget", "belong to the runtime"));
	}

	@Test
	void severalEnginesWithoutAPrimaryOneLeaveChatModelsToTheApplication() {
		this.scripted.withBean("second", FlashEngine.class, () -> ScriptedEngine.saying("Second"))
			.run((context) -> assertThat(context).hasNotFailed().doesNotHaveBean(ChatModel.class));
	}

	@Test
	void primaryEngineOfSeveralAnswers() {
		this.scripted
			.withBean("second", FlashEngine.class, () -> ScriptedEngine.saying("Second"),
					(definition) -> definition.setPrimary(true))
			.run((context) -> assertThat(context.getBean(ChatModel.class).call("Hi")).isEqualTo("Second"));
	}

	@Test
	void configurerGivesOwnChatModelsObservationsAndListeners() {
		List<String> heard = new CopyOnWriteArrayList<>();
		this.runner.withConfiguration(AutoConfigurations.of(FlashChatModelBuilderAutoConfiguration.class))
			.withUserConfiguration(ScriptedConfiguration.class, ObservationConfiguration.class,
					ConfiguredChatModelConfiguration.class)
			.withBean(GenerationListener.class, () -> new GenerationListener() {
				@Override
				public GenerationListener forModel(FlashEngine engine, String model) {
					heard.add(model);
					return this;
				}

				@Override
				public void onFinish(FinishReason reason, Usage usage) {
					heard.add(reason.name());
				}
			})
			.run((context) -> {
				context.getBean("myChatModel", ChatModel.class).call("Hi");
				assertThat(heard).containsExactly("scripted", "STOP");
				TestObservationRegistryAssert.assertThat(context.getBean(TestObservationRegistry.class))
					.hasObservationWithNameEqualTo("my.chat")
					.that()
					.hasLowCardinalityKeyValue("gen_ai.request.model", "scripted");
			});
	}

	@Test
	void optionsHoldForPromptsWithoutThem() {
		this.scripted.withPropertyValues("flash.chat.temperature=0.25")
			.run((context) -> assertThat(context.getBean(FlashChatModel.class).getOptions().getTemperature())
				.isEqualTo(0.25));
	}

	@Test
	void engineIsClosedWithTheApplication() {
		AtomicReference<ScriptedEngine> engine = new AtomicReference<>();
		this.scripted.run((context) -> {
			engine.set((ScriptedEngine) context.getBean(FlashEngine.class));
			assertThat(engine.get().isClosed()).isFalse();
		});
		assertThat(engine.get().isClosed()).isTrue();
	}

	@Test
	void modelIsLoadedInTheBackgroundWhenAsked() {
		this.runner
			.withPropertyValues("flash.model=" + TestModels.STORIES, "flash.context-length=64", "flash.load=background")
			.run((context) -> {
				assertThat(context.getBean(FlashEngine.class)).isInstanceOf(BackgroundFlashEngine.class);
				assertThat(context.getBean(FlashEngine.class).model().architecture()).isEqualTo("llama");
			});
	}

	@Test
	void observationsGoToTheRegistryOfTheApplication() {
		this.scripted.withUserConfiguration(ObservationConfiguration.class).run((context) -> {
			context.getBean(ChatModel.class).call("Hi");
			TestObservationRegistryAssert.assertThat(context.getBean(TestObservationRegistry.class))
				.hasObservationWithNameEqualTo("my.chat")
				.that()
				.hasLowCardinalityKeyValue("gen_ai.system", "flash");
		});
	}

	@Test
	void chatClientBuilderAsksThisModel() {
		this.scripted
			.withConfiguration(
					AutoConfigurations.of(ToolCallingAutoConfiguration.class, ChatClientAutoConfiguration.class))
			.run((context) -> assertThat(
					context.getBean(ChatClient.Builder.class).build().prompt("Hi").call().content())
				.isEqualTo("Hello there"));
	}

	@Configuration(proxyBeanMethods = false)
	static class ScriptedConfiguration {

		@Bean
		FlashEngine scriptedEngine() {
			return ScriptedEngine.saying("Hello", " there");
		}

	}

	@Configuration(proxyBeanMethods = false)
	static class ChatModelConfiguration {

		@Bean
		FlashChatModel myChatModel(FlashEngine engine) {
			return FlashChatModel.builder(engine).build();
		}

	}

	@Configuration(proxyBeanMethods = false)
	static class ConfiguredChatModelConfiguration {

		@Bean
		FlashChatModel myChatModel(FlashEngine engine, FlashChatModelBuilderConfigurer configurer) {
			return configurer.configure(FlashChatModel.builder(engine)).build();
		}

	}

	@Configuration(proxyBeanMethods = false)
	static class ObservationConfiguration {

		@Bean
		ObservationRegistry observationRegistry() {
			return TestObservationRegistry.create();
		}

		@Bean
		ChatModelObservationConvention chatModelObservationConvention() {
			return new DefaultChatModelObservationConvention() {
				@Override
				public String getName() {
					return "my.chat";
				}
			};
		}

	}

}
