package io.github.flashspring.engine.text;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeSet;
import java.util.stream.Stream;

import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.io.TempDir;

import io.github.flashspring.jinja.MarkedText;

import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

import static org.assertj.core.api.Assertions.assertThat;

/**
 * Texts of special tokens in what users, tools and documents say: no control token comes
 * of them, and the ids of all other texts are as without this protection.
 */
class UntrustedTextTests {

	private static final int TEXTS = 2_000;

	private static final String TEMPLATE = """
			{%- if tools %}{{ bos }}{% for t in tools %}{{ t | tojson }}{{ t.function.description }}{% endfor %}{% endif %}
			{%- for m in messages %}{{ open }}{{ m.role }}{% if m.name %} {{ m.name | upper }}{% endif %}
			{{ m.content | trim }}{{ m.content.split('x')[-1] }}{{ m.reasoning_content }}
			{%- for c in m.tool_calls %}{{ c.id }}{{ c.function.name }}{{ c.function.arguments | tojson }}
			{%- for k, v in c.function.arguments.items() %}<p={{ k }}>{{ v }}{% endfor %}{% endfor %}{{ close }}
			{% endfor %}{% for d in documents %}{{ d.text }}{% endfor %}""";

	private static final List<String> HARMLESS = List.of("Hello, world.", " ", "\n\n", "  \t", "<b>bold</b>", "a < b",
			"<|", "|>", "日本😀", "<think", "im_end", "[", "]", "1234", "it's", "ﬁé", "</", ">", "_", "▁", "x");

	@TempDir
	private Path folder;

	private static List<String> addedTokens(Tokenizer tokenizer) {
		List<String> tokens = new ArrayList<>();
		for (int id = 0; id < tokenizer.vocabularySize(); id++) {
			String text = tokenizer.tokenText(id);
			if (text != null) {
				tokens.add(text);
			}
		}
		return tokens;
	}

	private static boolean isControl(Tokenizer tokenizer, int id) {
		String text = tokenizer.tokenText(id);
		// characters that a model without bytes does not know are <unk>, as they should
		// be
		return text != null && !text.equals("<unk>") && ControlTokens.isControl(text, tokenizer.isSpecial(id));
	}

	private static int[] controls(Tokenizer tokenizer, int[] ids) {
		return Arrays.stream(ids).filter((id) -> isControl(tokenizer, id)).toArray();
	}

	private static String text(Random random, List<String> tokens) {
		StringBuilder text = new StringBuilder();
		for (int i = random.nextInt(6); i >= 0; i--) {
			String token = tokens.get(random.nextInt(tokens.size()));
			switch (random.nextInt(4)) {
				case 0 -> text.append(HARMLESS.get(random.nextInt(HARMLESS.size())));
				case 1 -> text.append(token, 0, random.nextInt(token.length() + 1));
				default -> text.append(token);
			}
		}
		return text.toString();
	}

	private static ChatTemplateInput conversation(Random random, List<String> tokens) {
		String json = JsonMapper.shared()
			.writeValueAsString(Map.of(text(random, tokens), text(random, tokens), "n", List.of(text(random, tokens))));
		ToolCall call = new ToolCall(text(random, tokens), text(random, tokens), json);
		List<ChatMessage> messages = List.of(ChatMessage.system(text(random, tokens)),
				new ChatMessage("user", text(random, tokens), null, List.of(), null, text(random, tokens)),
				new ChatMessage("assistant", text(random, tokens), text(random, tokens), List.of(call), null, null),
				ChatMessage.tool(text(random, tokens), call.id(), call.name()), ChatMessage.user(text(random, tokens)));
		ToolDefinition tool = new ToolDefinition(text(random, tokens), text(random, tokens), json);
		return new ChatTemplateInput(messages, List.of(tool), true,
				Map.of("documents", List.of(Map.of("text", text(random, tokens)))));
	}

	private static String untrustedAs(MarkedText text, char c) {
		StringBuilder masked = new StringBuilder(text.string());
		for (int i = 0; i < masked.length(); i++) {
			if (text.isUntrusted(i)) {
				masked.setCharAt(i, c);
			}
		}
		return masked.toString();
	}

	@TestFactory
	Stream<DynamicTest> onlyTheTemplateWritesControlTokens() {
		return TextVectors.ALL_TOKENIZERS.stream().map((name) -> DynamicTest.dynamicTest(name, () -> {
			Tokenizer tokenizer = TextVectors.tokenizer(name);
			List<String> tokens = addedTokens(tokenizer);
			Random random = new Random(7);
			String first = tokens.getFirst();
			String last = tokens.getLast();
			ChatTemplate own = ChatTemplate.parse(TEMPLATE, name,
					Map.of("bos", first, "open", last, "close", first + last), Clock.systemUTC());
			for (int i = 0; i < TEXTS / TextVectors.ALL_TOKENIZERS.size(); i++) {
				MarkedText text = own.renderMarked(conversation(random, tokens));
				int[] expected = controls(tokenizer, tokenizer.encode(untrustedAs(text, 'x'), false));
				int[] found = controls(tokenizer, tokenizer.encode(tokenizer.hideUntrusted(text), false));
				assertThat(found).as("text %d: %s", i, text).isEqualTo(expected).hasSizeGreaterThan(4);
			}
		}));
	}

	@TestFactory
	Stream<DynamicTest> publishedTemplatesStayInControl() {
		return Map
			.of("qwen3",
					List.of("Qwen-Qwen3-0.6B", "Qwen3-Coder", "Qwen3.5-4B", "Qwen-QwQ-32B",
							"jinja-e2e/Qwen/Qwen2.5-VL-7B-Instruct"),
					"gpt-oss", List.of("openai-gpt-oss-120b"), "mistral-v3",
					List.of("chat-rendered/mistral-nemo", "chat-rendered/mistral-common-v7",
							"unsloth-mistral-Devstral-Small-2507"),
					"phi-3-mini", List.of("microsoft-Phi-3.5-mini-instruct"))
			.entrySet()
			.stream()
			.flatMap((entry) -> entry.getValue()
				.stream()
				.map((name) -> DynamicTest.dynamicTest(name, () -> staysInControl(entry.getKey(), name))));
	}

	private static void staysInControl(String tokenizerName, String templateName) {
		Tokenizer tokenizer = TextVectors.tokenizer(tokenizerName);
		ChatTemplate template = ChatTemplateMatrixTests.template(templateName);
		List<String> tokens = addedTokens(tokenizer);
		Random random = new Random(5);
		for (int i = 0; i < 60; i++) {
			ChatTemplateInput attack = conversation(random, tokens);
			MarkedText text = template.renderMarked(attack);
			int[] expected = controls(tokenizer, tokenizer.encode(untrustedAs(text, 'x'), false));
			int[] found = controls(tokenizer, tokenizer.encode(tokenizer.hideUntrusted(text), false));
			assertThat(found).as("text %d: %s", i, text).isEqualTo(expected).isNotEmpty();
		}
	}

	@TestFactory
	Stream<DynamicTest> everyAddedTokenIsTextWhereAUserWritesIt() {
		return TextVectors.ALL_TOKENIZERS.stream().map((name) -> DynamicTest.dynamicTest(name, () -> {
			Tokenizer tokenizer = TextVectors.tokenizer(name);
			for (String token : addedTokens(tokenizer)) {
				for (String text : List.of(token, "a" + token + "b", " " + token + token + "\n",
						token + " x " + token)) {
					String hidden = tokenizer.hideUntrusted(MarkedText.untrusted(text));
					int[] ids = tokenizer.encode(hidden, false);
					assertThat(controls(tokenizer, ids)).as(text).isEmpty();
					if (!name.startsWith("babyllama")) {
						// where pieces spell a token, a space may come into its text
						assertThat(tokenizer.decode(ids, false).replace(" ", "")).isEqualTo(text.replace(" ", ""));
					}
				}
			}
		}));
	}

	@TestFactory
	Stream<DynamicTest> hiddenTokensEncodeAsIfTheyDidNotExist() {
		return Stream
			.of("qwen3", "gpt-oss", "mistral-v3", "stories260K", "phi-3-mini", "phi-2", "falcon", "deepseek-v3")
			.map((name) -> DynamicTest.dynamicTest(name, () -> {
				Tokenizer tokenizer = TextVectors.tokenizer(name);
				List<String> tokens = addedTokens(tokenizer);
				try (Tokenizer without = Tokenizer.load(withoutControlTokens(name, tokenizer))) {
					Random random = new Random(3);
					for (int i = 0; i < 500; i++) {
						String text = text(random, tokens);
						int[] expected = without.encode(text, false);
						if (controls(tokenizer, expected).length == 0 && !text.contains("<unk>")) {
							assertThat(tokenizer.encode(tokenizer.hideUntrusted(MarkedText.untrusted(text)), false))
								.as(text)
								.isEqualTo(expected);
						}
					}
				}
			}));
	}

	private Path withoutControlTokens(String name, Tokenizer tokenizer) throws IOException {
		ObjectNode json = (ObjectNode) JsonMapper.shared()
			.readTree(TextVectors.tokenizerFolder(name).resolve("tokenizer.json").toFile());
		ArrayNode kept = JsonMapper.shared().createArrayNode();
		for (JsonNode token : json.get("added_tokens")) {
			if (!isControl(tokenizer, token.get("id").intValue())) {
				kept.add(token);
			}
		}
		json.set("added_tokens", kept);
		json.putNull("post_processor");
		Path other = Files.createDirectories(this.folder.resolve(name));
		JsonMapper.shared().writeValue(other.resolve("tokenizer.json"), json);
		return other;
	}

	@TestFactory
	Stream<DynamicTest> idsOfHarmlessTextsAreUnchanged() {
		return TextVectors.ALL_TOKENIZERS.stream().map((name) -> DynamicTest.dynamicTest(name, () -> {
			Tokenizer tokenizer = TextVectors.tokenizer(name);
			Random random = new Random(11);
			List<String> words = new ArrayList<>(HARMLESS);
			addedTokens(tokenizer).stream()
				.filter((token) -> !ControlTokens.isControl(token, false))
				.forEach(words::add);
			words.removeAll(addedTokens(tokenizer).stream().filter((token) -> !token.isBlank()).toList());
			for (int i = 0; i < 300; i++) {
				StringBuilder text = new StringBuilder();
				random.ints(12, 0, words.size()).forEach((word) -> text.append(words.get(word)).append('y'));
				MarkedText marked = MarkedText.untrusted(text.toString());
				assertThat(tokenizer.hideUntrusted(marked)).isEqualTo(text.toString());
			}
		}));
	}

	@Test
	void runsOfWhiteSpaceAndHtmlAreText() {
		TreeSet<String> control = new TreeSet<>();
		for (String text : List.of("<think>", "</tool_call>", "[INST]", "<b>", "</table>", "<H1>", "    ", "\n\n",
				"hello", "<unused7>", "{tool}", "<>", "[]", "->", "<|fim_prefix|>", "<start_of_turn>", "<｜User｜>")) {
			if (ControlTokens.isControl(text, false)) {
				control.add(text);
			}
		}
		assertThat(control).containsExactlyInAnyOrder("<think>", "</tool_call>", "[INST]", "<unused7>", "{tool}",
				"<|fim_prefix|>", "<start_of_turn>", "<｜User｜>");
		assertThat(ControlTokens.isControl("hello", true)).isTrue();
	}

	@Test
	void tokensAcrossTheBorderOfTrustAreText() {
		Tokenizer tokenizer = TextVectors.tokenizer("qwen3");
		for (String template : List.of("<|im_{{ messages[0].content }}<|im_end|>", "{{ messages[0].content }}end|>",
				"<{{ messages[0].content }}>", "{% for c in messages[0].content %}{{ c }}{% endfor %}_end|>")) {
			for (String content : List.of("end|>", "<|im_", "|im_end|", "<|im")) {
				MarkedText text = ChatTemplate.parse(template, "t", Map.of(), Clock.systemUTC())
					.renderMarked(ChatTemplateInput.of(List.of(ChatMessage.user(content))));
				int[] ids = tokenizer.encode(tokenizer.hideUntrusted(text), false);
				assertThat(controls(tokenizer, ids)).as(text.string()).hasSize(template.endsWith("<|im_end|>") ? 1 : 0);
			}
		}
	}

	@Test
	void rolesOfTheTemplateMakeControlTokens() {
		Tokenizer tokenizer = TextVectors.tokenizer("phi-3-mini");
		ChatTemplate template = ChatTemplate.parse(
				"{% for m in messages %}{{ '<|' + m.role + '|>' }}{{ m.content }}{% endfor %}", "t", Map.of(),
				Clock.systemUTC());
		MarkedText text = template.renderMarked(ChatTemplateInput.of(List.of(ChatMessage.system("a"),
				ChatMessage.user("b"), new ChatMessage("end", "c", null, List.of(), null, null))));
		int[] ids = tokenizer.encode(tokenizer.hideUntrusted(text), false);
		assertThat(Arrays.stream(controls(tokenizer, ids)).mapToObj(tokenizer::tokenText)).containsExactly("<|system|>",
				"<|user|>");
	}

	@Test
	void tokensThatThePiecesSpellAreCut() throws IOException {
		Files.writeString(this.folder.resolve("tokenizer.json"),
				"""
						{"version": "1.0", "added_tokens": [{"id": 1, "content": "</s>", "single_word": false, "lstrip": false,
						 "rstrip": false, "normalized": true, "special": true}], "normalizer": null, "pre_tokenizer": null,
						 "post_processor": null, "decoder": null, "model": {"type": "Unigram", "unk_id": 0, "byte_fallback": false,
						 "vocab": [["<unk>", 0.0], ["</s>", 0.0], ["<", -3.0], ["/", -3.0], ["s", -3.0], [">", -3.0], ["a", -2.0]]}}""");
		try (Tokenizer tokenizer = Tokenizer.load(this.folder)) {
			assertThat(tokenizer.encode("a</s>", false)).containsExactly(6, 1);
			String hidden = tokenizer.hideUntrusted(MarkedText.untrusted("a</s>a</s>"));
			assertThat(tokenizer.encode(hidden, false)).containsExactly(6, 2, 3, 4, 5, 6, 2, 3, 4, 5);
		}
	}

	@Test
	void manyHiddenTokensAreLinearWork() {
		Tokenizer tokenizer = TextVectors.tokenizer("qwen3");
		String text = "<|im_end|>\n".repeat(50_000);
		int[] ids = tokenizer.encode(tokenizer.hideUntrusted(MarkedText.untrusted(text)), false);
		assertThat(controls(tokenizer, ids)).isEmpty();
		assertThat(ids).hasSizeGreaterThan(200_000);
	}

}
