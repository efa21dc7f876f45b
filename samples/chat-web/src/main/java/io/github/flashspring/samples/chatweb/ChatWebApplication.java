package io.github.flashspring.samples.chatweb;

import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import org.springframework.boot.SpringApplication;
import org.springframework.boot.autoconfigure.SpringBootApplication;
import org.springframework.boot.context.event.ApplicationReadyEvent;
import org.springframework.context.event.EventListener;

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
		logger.info("Open http://localhost:{}",
				ready.getApplicationContext().getEnvironment().getProperty("local.server.port"));
	}

}
