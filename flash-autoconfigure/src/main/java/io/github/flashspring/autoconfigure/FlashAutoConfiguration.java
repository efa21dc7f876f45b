package io.github.flashspring.autoconfigure;

import java.util.function.Function;

import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import org.springframework.ai.chat.model.ChatModel;
import org.springframework.beans.factory.ObjectProvider;
import org.springframework.boot.autoconfigure.AutoConfiguration;
import org.springframework.boot.autoconfigure.condition.ConditionalOnClass;
import org.springframework.boot.autoconfigure.condition.ConditionalOnMissingBean;
import org.springframework.boot.autoconfigure.condition.ConditionalOnSingleCandidate;
import org.springframework.boot.context.properties.EnableConfigurationProperties;
import org.springframework.context.ApplicationContext;
import org.springframework.context.ApplicationEventPublisher;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Conditional;
import org.springframework.context.annotation.Import;

import io.github.flashspring.chat.FlashChatModel;
import io.github.flashspring.engine.FlashConfig;
import io.github.flashspring.engine.FlashEngine;
import io.github.flashspring.engine.FlashRuntime;
import io.github.flashspring.engine.ModelfileSettings;
import io.github.flashspring.engine.checkpoint.ModelLocator;
import io.github.flashspring.engine.text.ChatTemplate;

/**
 * {@link AutoConfiguration Auto-configuration} for the engine and its chat model: when
 * {@code spring.ai.model.chat} is {@code flash}, or when it is not set but
 * {@code flash.model} or {@code flash.modelfile} is.
 */
@AutoConfiguration(after = FlashChatModelBuilderAutoConfiguration.class,
		afterName = "org.springframework.ai.model.tool.autoconfigure.ToolCallingAutoConfiguration",
		beforeName = "org.springframework.ai.model.chat.client.autoconfigure.ChatClientAutoConfiguration")
@ConditionalOnClass({ FlashEngine.class, ChatModel.class })
@Conditional(OnFlashSelectedCondition.class)
@EnableConfigurationProperties(FlashProperties.class)
@Import(FlashChatModelBuilderAutoConfiguration.class)
public final class FlashAutoConfiguration {

	private static final Logger logger = LoggerFactory.getLogger(FlashAutoConfiguration.class);

	/** On the runtime of the application, if it has one. */
	@Bean
	@ConditionalOnMissingBean
	FlashEngine flashEngine(FlashProperties properties, ObjectProvider<FlashRuntime> runtimes,
			ApplicationEventPublisher events) {
		FlashConfig config = properties.toConfig();
		FlashRuntime runtime = runtimes.getIfUnique();
		Function<FlashConfig, FlashEngine> loader = (runtime != null) ? runtime::load : FlashEngine::load;
		ModelDownload download = new ModelDownload(properties, config.model(), events::publishEvent);
		ModelfileSettings modelfile = properties.modelfileSettings();
		if (modelfile != null) {
			modelfile.notes().forEach(logger::info);
		}
		return switch (properties.load()) {
			case EAGER -> load(config, download, loader);
			case BACKGROUND ->
				new BackgroundFlashEngine(config.modelName(), () -> load(config, download, loader), download::progress);
		};
	}

	/** With several engines and no primary one, applications make their chat models. */
	@Bean
	@ConditionalOnMissingBean
	@ConditionalOnSingleCandidate(FlashEngine.class)
	FlashChatModel flashChatModel(FlashEngine engine, FlashProperties properties,
			FlashChatModelBuilderConfigurer configurer) {
		// The name of a model that is being loaded is known before.
		String name = (engine instanceof BackgroundFlashEngine background) ? background.name() : null;
		return configurer.configure(FlashChatModel.builder(engine))
			.options(properties.chat().toOptions(name))
			.modelfile(properties.modelfileSettings())
			.build();
	}

	@Bean
	@ConditionalOnMissingBean
	FlashLiveness flashLiveness(ApplicationContext context) {
		return new FlashLiveness(context);
	}

	private static FlashEngine load(FlashConfig config, ModelDownload download,
			Function<FlashConfig, FlashEngine> loader) {
		download.run();
		try {
			FlashEngine engine = loader.apply(config);
			try {
				requireText(engine, config);
				return engine;
			}
			catch (RuntimeException ex) {
				engine.close();
				throw ex;
			}
		}
		catch (IllegalArgumentException ex) {
			throw new InvalidFlashSettingsException(
					"%s cannot be loaded with these settings: %s.".formatted(config.model(), ex.getMessage()),
					"Correct the property of that name, such as 'flash.context-length'.", ex);
		}
	}

	/** What the engine itself asks for only with the first prompt that needs it. */
	private static void requireText(FlashEngine engine, FlashConfig config) {
		if (!engine.model().tokenizer()) {
			throw new InvalidFlashSettingsException(
					"The model of 'flash.model', %s, has no tokenizer.json, so it cannot read prompts."
						.formatted(config.model()),
					"Put the tokenizer.json that belongs to the model into its folder, or download the model with all of its files.");
		}
		if (engine.model().chat() && config.chat().template() == null) {
			ChatTemplate.load(ModelLocator.ofSystem().locate(config.model()));
		}
	}

}
