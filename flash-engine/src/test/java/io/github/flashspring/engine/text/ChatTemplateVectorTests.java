package io.github.flashspring.engine.text;

import java.time.Clock;
import java.time.LocalDateTime;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

import org.junit.jupiter.api.DynamicContainer;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;

import tools.jackson.databind.JsonNode;

import static org.assertj.core.api.Assertions.assertThat;

/**
 * Conversations rendered by Python's Jinja2 with the templates of thirteen models, and
 * Mistral's own samples: the text, and the ids where the tokenizer is at hand.
 */
class ChatTemplateVectorTests {

	@TestFactory
	Stream<DynamicContainer> rendersAsPythonDoes() {
		JsonNode vectors = TextVectors.read("chat-rendered.json");
		Clock clock = Clock.fixed(LocalDateTime.parse(vectors.get("now").stringValue()).toInstant(ZoneOffset.UTC),
				ZoneOffset.UTC);
		return vectors.get("templates").propertyStream().map((entry) -> {
			JsonNode template = entry.getValue();
			Map<String, String> tokens = new HashMap<>();
			template.get("vars").propertyStream().forEach((token) -> {
				if (token.getValue().isString()) {
					tokens.put(token.getKey(), token.getValue().stringValue());
				}
			});
			ChatTemplate chatTemplate = ChatTemplate.parse(template.get("template").stringValue(), entry.getKey(),
					tokens, clock);
			String tokenizer = template.path("ids_made_with_tokenizer").stringValue(null);
			return DynamicContainer.dynamicContainer(entry.getKey(),
					template.get("rendered")
						.propertyStream()
						.filter((rendered) -> !rendered.getValue().has("omitted"))
						.map((rendered) -> TextVectors.test("chat-rendered", entry.getKey() + " / " + rendered.getKey(),
								() -> check(chatTemplate, vectors.get("cases").get(rendered.getKey()),
										rendered.getValue(), tokenizer))));
		});
	}

	private static void check(ChatTemplate template, JsonNode conversation, JsonNode expected, String tokenizerName) {
		ChatTemplateInput input = input(conversation);
		String text = template.render(input);
		String python = expected.path("text").stringValue("");
		List<String> words = new ArrayList<>();
		input.tools().forEach((tool) -> words.add(tool.name()));
		input.messages()
			.stream()
			.filter((message) -> message.role().equals("tool"))
			.forEach((message) -> words.add(message.content()));
		boolean calls = input.messages().stream().anyMatch((message) -> !message.toolCalls().isEmpty());
		// once in the tool's definition, and once in each call
		boolean lost = !words.stream().allMatch(python::contains) || calls && python.split("celsius", -1).length < 3;
		if (expected.has("error") || lost) {
			// where Python refuses it or loses tools, it is rewritten
			assertThat(text).contains(words);
			assertThat(text.split("celsius", -1)).hasSizeGreaterThan(calls ? 2 : 1);
			return;
		}
		assertThat(text).isEqualTo(python);
		if (expected.has("ids")) {
			Tokenizer tokenizer = TextVectors.tokenizer(tokenizerName);
			assertThat(tokenizer.encode(text, false)).isEqualTo(TextVectors.ints(expected.get("ids")));
		}
	}

	@TestFactory
	Stream<DynamicTest> givesMistralsIds() {
		return TextVectors.read("mistral-common-samples.json")
			.valueStream()
			.filter((sample) -> sample.has("template_and_tokenizer_json_give_these_ids"))
			.map((sample) -> {
				String version = sample.get("version").stringValue();
				return TextVectors.test("mistral-common", sample.get("sample").stringValue() + " " + version, () -> {
					var folder = TextVectors.tokenizerFolder("mistral-" + version);
					String text = ChatTemplate.load(folder)
						.render(new ChatTemplateInput(messages(sample), tools(sample), false, Map.of()));
					Tokenizer tokenizer = TextVectors.tokenizer("mistral-" + version);
					assertThat(tokenizer.encode(text, false)).isEqualTo(TextVectors.ints(sample.get("ids")));
				});
			});
	}

	private static ChatTemplateInput input(JsonNode conversation) {
		Map<String, Object> variables = new HashMap<>();
		if (conversation.has("enable_thinking")) {
			variables.put("enable_thinking", conversation.get("enable_thinking").booleanValue());
		}
		return new ChatTemplateInput(messages(conversation), tools(conversation),
				conversation.path("add_generation_prompt").booleanValue(true), variables);
	}

	private static List<ChatMessage> messages(JsonNode conversation) {
		return conversation.get("messages").valueStream().map((message) -> {
			List<ToolCall> calls = message.path("tool_calls").valueStream().map((call) -> {
				JsonNode arguments = call.get("function").get("arguments");
				return new ToolCall(call.get("id").stringValue(), call.get("function").get("name").stringValue(),
						arguments.isString() ? arguments.stringValue() : arguments.toString());
			}).toList();
			return new ChatMessage(message.get("role").stringValue(), message.path("content").stringValue(""), null,
					calls, message.path("tool_call_id").stringValue(null), message.path("name").stringValue(null));
		}).toList();
	}

	private static List<ToolDefinition> tools(JsonNode conversation) {
		return conversation.path("tools").valueStream().map((tool) -> tool.get("function")).map((function) -> {
			return new ToolDefinition(function.get("name").stringValue(), function.path("description").stringValue(""),
					function.get("parameters").toString());
		}).toList();
	}

}
