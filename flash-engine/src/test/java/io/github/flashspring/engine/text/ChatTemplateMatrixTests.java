package io.github.flashspring.engine.text;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Clock;
import java.time.LocalDateTime;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.function.Supplier;
import java.util.stream.Stream;

import org.junit.jupiter.api.DynamicContainer;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;

import tools.jackson.databind.JsonNode;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

/**
 * Some sixty published templates with the conversations that applications have: nothing
 * is lost, nothing fails, and what Python renders without loss comes out the same.
 */
class ChatTemplateMatrixTests {

	private static final JsonNode VECTORS = TextVectors.read("chat-templates.json");

	private static final Clock CLOCK = Clock
		.fixed(LocalDateTime.parse(VECTORS.get("now").stringValue()).toInstant(ZoneOffset.UTC), ZoneOffset.UTC);

	/** It wants a message of a role of its own, which holds the tools. */
	private static final String REFUSES = "jinja-e2e/fireworks-ai/firefunction-v1";

	private static final Map<String, String> SOURCES = sources();

	private static Map<String, String> sources() {
		Map<String, String> sources = new LinkedHashMap<>();
		try (Stream<Path> files = Files.list(Path.of("src/test/resources/templates"))) {
			for (Path file : files.sorted().toList()) {
				String name = file.getFileName().toString();
				if (name.endsWith(".jinja")) {
					sources.put(name.replace(".jinja", ""), Files.readString(file));
				}
			}
		}
		catch (IOException ex) {
			throw new UncheckedIOException(ex);
		}
		TextVectors.read("chat-rendered.json")
			.get("templates")
			.propertyStream()
			.forEach((entry) -> sources.put("chat-rendered/" + entry.getKey(),
					entry.getValue().get("template").stringValue()));
		TextVectors.jinjaTemplates()
			.valueStream()
			.filter((vector) -> vector.get("name").stringValue().contains("/"))
			.forEach((vector) -> sources.put("jinja-e2e/" + vector.get("name").stringValue(),
					vector.get("chat_template").stringValue()));
		return sources;
	}

	static ChatTemplate template(String name) {
		String source = SOURCES.get(name);
		assertThat(source).as(name).isNotNull();
		return ChatTemplate.parse(String.valueOf(source), name, Map.of("bos_token", "<s>", "eos_token", "</s>"), CLOCK);
	}

	@TestFactory
	Stream<DynamicContainer> carriesEveryConversation() {
		return SOURCES.keySet().stream().filter((name) -> !name.equals(REFUSES)).map((name) -> {
			ChatTemplate template = template(name);
			return DynamicContainer.dynamicContainer(name,
					VECTORS.get("cases")
						.propertyStream()
						.map((entry) -> DynamicTest.dynamicTest(entry.getKey(), () -> check(template, entry.getValue(),
								VECTORS.get("rendered").get(name).path(entry.getKey())))));
		});
	}

	@TestFactory
	Stream<DynamicTest> randomConversationsLoseNothing() {
		return SOURCES.keySet()
			.stream()
			.filter((name) -> !name.equals(REFUSES))
			.map((name) -> DynamicTest.dynamicTest(name, () -> {
				ChatTemplate template = template(name);
				Random random = new Random(42);
				for (int i = 0; i < 25; i++) {
					List<String> words = new ArrayList<>();
					List<ToolDefinition> tools = random.nextInt(3) > 0 ? tools(VECTORS.at("/cases/tools/tools"))
							: List.of();
					List<ChatMessage> messages = randomMessages(random, !tools.isEmpty(), words);
					assertThat(template.render(new ChatTemplateInput(messages, tools, true, Map.of())))
						.as("%s", messages)
						.contains(words);
				}
			}));
	}

	private static List<ChatMessage> randomMessages(Random random, boolean tools, List<String> words) {
		List<ChatMessage> messages = new ArrayList<>();
		Supplier<String> word = () -> {
			words.add("word_%03dz".formatted(words.size()));
			return words.getLast();
		};
		if (random.nextBoolean()) {
			messages.add(ChatMessage.system(word.get()));
		}
		for (int turn = random.nextInt(4); turn >= 0; turn--) {
			if (random.nextInt(8) == 0) {
				messages.add(ChatMessage.system(word.get()));
			}
			messages.add(ChatMessage.user(word.get()));
			if (tools && random.nextInt(5) < 3) {
				String content = random.nextBoolean() ? word.get() : "";
				List<ToolCall> calls = new ArrayList<>();
				for (int call = random.nextInt(3); call >= 0; call--) {
					calls.add(new ToolCall((random.nextBoolean() ? "call_%d" : "abcdefgh%d").formatted(call),
							"get_zeta", "{\"city\":\"" + word.get() + "\"}"));
				}
				messages.add(new ChatMessage("assistant", content, random.nextInt(3) == 0 ? "Hm." : null, calls, null,
						null));
				calls.forEach((call) -> messages.add(ChatMessage.tool(word.get(), call.id(), call.name())));
			}
			if (random.nextInt(4) > 0) {
				messages.add(ChatMessage.assistant(random.nextInt(4) > 0 ? word.get() : ""));
			}
		}
		return messages;
	}

	private static void check(ChatTemplate template, JsonNode conversation, JsonNode hash) {
		List<ChatMessage> messages = messages(conversation.get("messages"));
		List<ToolDefinition> tools = tools(conversation.get("tools"));
		String prompt = template.render(new ChatTemplateInput(messages, tools, true, Map.of()));
		List<String> words = new ArrayList<>();
		tools.forEach((tool) -> words.add(tool.name()));
		messages.forEach((message) -> words.add(message.content()));
		messages.forEach((message) -> message.toolCalls()
			.forEach((call) -> words.add(call.argumentsJson().replaceAll(".*:|[\"}]", ""))));
		assertThat(prompt).contains(words);
		if (hash.isString()) {
			assertThat(sha256(prompt)).as(prompt).isEqualTo(hash.stringValue());
		}
	}

	private static String sha256(String text) {
		try {
			return HexFormat.of()
				.formatHex(MessageDigest.getInstance("SHA-256").digest(text.getBytes(StandardCharsets.UTF_8)));
		}
		catch (NoSuchAlgorithmException ex) {
			throw new IllegalStateException(ex);
		}
	}

	private static List<ChatMessage> messages(JsonNode array) {
		return array.valueStream().map((message) -> {
			List<ToolCall> calls = message.path("tool_calls")
				.valueStream()
				.map((call) -> new ToolCall(call.get("id").stringValue(), call.at("/function/name").stringValue(),
						call.at("/function/arguments").toString()))
				.toList();
			return new ChatMessage(message.get("role").stringValue(), message.get("content").stringValue(),
					message.path("reasoning_content").stringValue(null), calls,
					message.path("tool_call_id").stringValue(null), message.path("name").stringValue(null));
		}).toList();
	}

	private static List<ToolDefinition> tools(JsonNode array) {
		return array.valueStream()
			.map((tool) -> tool.get("function"))
			.map((function) -> new ToolDefinition(function.get("name").stringValue(),
					function.get("description").stringValue(), function.get("parameters").toString()))
			.toList();
	}

	@Test
	void aTemplateThatRefusesNamesTheMessage() {
		assertThatExceptionOfType(ChatTemplateException.class)
			.isThrownBy(() -> template(REFUSES).render(ChatTemplateInput.of(List.of(ChatMessage.user("Well?")))))
			.withMessageContaining("Expected either \"functions\"")
			.withMessageContaining("number 0 (counted from 0), of the role 'user'");
	}

}
