package io.github.flashspring.autoconfigure;

import io.micrometer.observation.ObservationRegistry;

import org.springframework.ai.chat.observation.ChatModelObservationConvention;
import org.springframework.beans.factory.ObjectProvider;

import io.github.flashspring.chat.FlashChatModel;
import io.github.flashspring.chat.GenerationListener;

/**
 * Gives the builder of a {@link FlashChatModel} what the application context has for it:
 * observation registry and convention, and the listeners behind meters and health. An
 * application that makes a chat model itself calls
 * {@code configurer.configure(FlashChatModel.builder(engine)).build()}.
 */
public class FlashChatModelBuilderConfigurer {

	private final ObjectProvider<GenerationListener> listeners;

	private final ObjectProvider<ObservationRegistry> observationRegistry;

	private final ObjectProvider<ChatModelObservationConvention> observationConvention;

	FlashChatModelBuilderConfigurer(ObjectProvider<GenerationListener> listeners,
			ObjectProvider<ObservationRegistry> observationRegistry,
			ObjectProvider<ChatModelObservationConvention> observationConvention) {
		this.listeners = listeners;
		this.observationRegistry = observationRegistry;
		this.observationConvention = observationConvention;
	}

	/**
	 * Configures a builder. What is set afterwards goes over it.
	 * @param builder the builder
	 * @return the same builder
	 */
	public FlashChatModel.Builder configure(FlashChatModel.Builder builder) {
		this.observationRegistry.ifUnique(builder::observationRegistry);
		this.observationConvention.ifAvailable(builder::observationConvention);
		return builder.listeners(this.listeners.orderedStream().toList());
	}

}
