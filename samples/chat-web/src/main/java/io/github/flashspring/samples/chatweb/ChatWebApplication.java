package io.github.flashspring.samples.chatweb;

import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import org.springframework.boot.SpringApplication;
import org.springframework.boot.autoconfigure.SpringBootApplication;
import org.springframework.boot.context.event.ApplicationReadyEvent;
import org.springframework.context.event.EventListener;
import org.springframework.core.env.Environment;

/**
 * A page that talks to a language model inside this application's own JVM.
 */
@SpringBootApplication
public class ChatWebApplication {

	private static final Logger logger = LoggerFactory.getLogger(ChatWebApplication.class);

	public static void main(String[] args) {
		SpringApplication.run(ChatWebApplication.class, args);
	}

	@EventListener
	void tellAddress(ApplicationReadyEvent ready) {
		Environment environment = ready.getApplicationContext().getEnvironment();
		logger.info("Open http://localhost:{} to talk to {}", environment.getProperty("local.server.port"),
				environment.getProperty("flash.model"));
	}

}
