package io.github.flashspring.autoconfigure;

import io.micrometer.observation.ObservationRegistry;

import org.springframework.ai.chat.model.ChatModel;
import org.springframework.ai.chat.observation.ChatModelObservationConvention;
import org.springframework.beans.factory.ObjectProvider;
import org.springframework.boot.autoconfigure.AutoConfiguration;
import org.springframework.boot.autoconfigure.condition.ConditionalOnClass;
import org.springframework.boot.autoconfigure.condition.ConditionalOnMissingBean;
import org.springframework.context.annotation.Bean;

import io.github.flashspring.chat.GenerationListener;
import io.github.flashspring.engine.FlashEngine;

/**
 * {@link AutoConfiguration Auto-configuration} for
 * {@link FlashChatModelBuilderConfigurer}: also where an application makes all its
 * engines and chat models itself.
 */
@AutoConfiguration
@ConditionalOnClass({ FlashEngine.class, ChatModel.class })
public final class FlashChatModelBuilderAutoConfiguration {

	@Bean
	@ConditionalOnMissingBean
	FlashChatModelBuilderConfigurer flashChatModelBuilderConfigurer(ObjectProvider<GenerationListener> listeners,
			ObjectProvider<ObservationRegistry> observationRegistry,
			ObjectProvider<ChatModelObservationConvention> observationConvention) {
		return new FlashChatModelBuilderConfigurer(listeners, observationRegistry, observationConvention);
	}

}
