package io.github.flashspring.samples.chatweb;

import org.springframework.boot.test.context.TestConfiguration;
import org.springframework.context.annotation.Bean;

/**
 * Puts the scripted engine in the place of a real one.
 */
@TestConfiguration(proxyBeanMethods = false)
class ScriptedEngineConfiguration {

	@Bean
	ScriptedEngine flashEngine() {
		return new ScriptedEngine();
	}

}
