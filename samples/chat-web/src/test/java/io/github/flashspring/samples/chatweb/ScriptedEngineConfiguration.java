package io.github.flashspring.samples.chatweb;

import org.springframework.ai.chat.model.ChatModel;
import org.springframework.boot.test.context.TestConfiguration;
import org.springframework.context.annotation.Bean;

import io.github.flashspring.chat.FlashChatModel;

/**
 * Puts the scripted engine in the place of a real one.
 */
@TestConfiguration(proxyBeanMethods = false)
class ScriptedEngineConfiguration {

	@Bean
	ScriptedEngine flashEngine() {
		return new ScriptedEngine();
	}

	@Bean
	ChatModel chatModel(ScriptedEngine engine) {
		return FlashChatModel.builder(engine).build();
	}

}
