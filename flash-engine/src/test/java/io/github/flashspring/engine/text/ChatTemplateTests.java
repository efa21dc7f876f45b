package io.github.flashspring.engine.text;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.Collections;
import java.util.List;
import java.util.Map;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

/**
 * Where templates are found, what they get to see, and what their errors say.
 */
class ChatTemplateTests {

	private static final ChatTemplateInput HELLO = ChatTemplateInput.of(List.of(ChatMessage.user("Hello")));

	private static final ToolDefinition TOOL = new ToolDefinition("now", "The time", "");

	@TempDir
	private Path folder;

	private void write(String name, String content) throws IOException {
		Path file = this.folder.resolve(name);
		Files.createDirectories(file.getParent());
		Files.writeString(file, content);
	}

	@Test
	void aModelWithoutTemplateSaysWhatToDo() throws IOException {
		write("tokenizer_config.json", "{\"bos_token\": \"<s>\"}");
		assertThat(ChatTemplate.find(this.folder)).isEmpty();
		assertThatExceptionOfType(ChatTemplateException.class).isThrownBy(() -> ChatTemplate.load(this.folder))
			.withMessageContaining(this.folder.toString())
			.withMessageContaining("has no chat template")
			.withMessageContaining("Send plain text");
	}

	@Test
	void findsTheTemplateInEachPlace() throws IOException {
		write("chat_template.json", "{\"chat_template\": \"json\"}");
		assertThat(ChatTemplate.load(this.folder).render(HELLO)).isEqualTo("json");
		write("tokenizer_config.json", "{\"chat_template\": \"config\"}");
		assertThat(ChatTemplate.load(this.folder).render(HELLO)).isEqualTo("config");
		write("chat_template.jinja", "file");
		assertThat(ChatTemplate.load(this.folder).render(HELLO)).isEqualTo("file");
	}

	@Test
	void takesTheNamedTemplateForTools() throws IOException {
		write("tokenizer_config.json", "{\"chat_template\": [{\"name\": \"default\", \"template\": \"plain\"},"
				+ " {\"name\": \"tool_use\", \"template\": \"{{ tools|length }} tools\"}]}");
		ChatTemplate template = ChatTemplate.load(this.folder);
		assertThat(template.render(HELLO)).isEqualTo("plain");
		assertThat(template.render(new ChatTemplateInput(HELLO.messages(), List.of(TOOL), true, Map.of())))
			.isEqualTo("1 tools");
		write("tokenizer_config.json", "{\"chat_template\": [{\"name\": \"rag\", \"template\": \"\"}]}");
		assertThatExceptionOfType(ChatTemplateException.class)
			.isThrownBy(() -> ChatTemplate.load(this.folder).render(HELLO))
			.withMessageContaining("[rag]");
		write("tokenizer_config.json", "{\"chat_template\": 3}");
		assertThatExceptionOfType(ChatTemplateException.class).isThrownBy(() -> ChatTemplate.find(this.folder));
	}

	@Test
	void templatesForToolsMayLieBesideTheConfig() throws IOException {
		write("tokenizer_config.json", "{\"chat_template\": \"plain\"}");
		write("additional_chat_templates/tool_use.jinja", "{{ tools|length }} tools{{ messages[0].content }}");
		ChatTemplate template = ChatTemplate.load(this.folder);
		assertThat(template.render(HELLO)).isEqualTo("plain");
		assertThat(template.render(new ChatTemplateInput(HELLO.messages(), List.of(TOOL), true, Map.of())))
			.contains("tools");
	}

	@Test
	void oneInvalidNamedTemplateLeavesTheOthers() throws IOException {
		write("tokenizer_config.json", "{\"chat_template\": [{\"name\": \"tool_use\", \"template\": \"{% for %}\"},"
				+ " {\"name\": \"default\", \"template\": \"{{ messages[0].content }}\"}]}");
		assertThat(ChatTemplate.load(this.folder).render(HELLO)).isEqualTo("Hello");
		write("tokenizer_config.json", "{\"chat_template\": {\"default\": \"{% for %}\", \"rag\": \"x\"}}");
		assertThatExceptionOfType(ChatTemplateException.class).isThrownBy(() -> ChatTemplate.find(this.folder))
			.withMessageContaining("template 'default'");
	}

	@Test
	void filesThatWereNotDownloadedSaySo() throws IOException {
		write("chat_template.jinja", "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 4127\n");
		assertThatExceptionOfType(TokenizerException.class).isThrownBy(() -> ChatTemplate.find(this.folder))
			.withMessageContainingAll("chat_template.jinja", "is a Git LFS pointer", "git lfs pull");
		write("chat_template.jinja", "\n<!DOCTYPE html><html><body>Sign in</body></html>");
		assertThatExceptionOfType(TokenizerException.class).isThrownBy(() -> ChatTemplate.find(this.folder))
			.withMessageContainingAll("chat_template.jinja", "is an HTML page", "access token");
	}

	@Test
	void seesSpecialTokensAndTheClock() throws IOException {
		write("tokenizer_config.json",
				"""
						{"chat_template": "{{ bos_token }}{{ eos_token }}{{ pad_token is defined }}{{ strftime_now('%d %b %Y') }}",
						 "bos_token": {"content": "<s>"}, "eos_token": "</s>", "pad_token": null}""");
		Clock clock = Clock.fixed(Instant.parse("2025-09-01T00:00:00Z"), ZoneOffset.UTC);
		assertThat(ChatTemplate.find(this.folder, clock).orElseThrow().render(HELLO))
			.isEqualTo("<s></s>False01 Sep 2025");
	}

	@Test
	void seesMessagesAndToolsAsTransformersPassesThem() {
		ChatTemplate template = ChatTemplate.parse(
				"{{ messages|tojson }}\n{{ tools|tojson }} {{ documents }} {{ add_generation_prompt }} {{ enable_thinking }} {{ x }}",
				"test", Map.of(), Clock.systemUTC());
		List<ChatMessage> messages = List.of(ChatMessage.system("s"),
				new ChatMessage("assistant", "", "hm",
						List.of(new ToolCall("1", "now", "{\"a\": 1.0, \"b\": 12345678901234567890}"),
								new ToolCall("2", "now", "no json")),
						null, null),
				ChatMessage.tool("noon", "1", "now"));
		Map<String, Object> variables = new java.util.HashMap<>(Map.of("enable_thinking", false));
		variables.put("x", null);
		assertThat(template.render(new ChatTemplateInput(messages, List.of(TOOL), false, variables))).isEqualTo(
				"""
						[{"role": "system", "content": "s"}, {"role": "assistant", "content": "", "reasoning_content": "hm", "thinking": "hm", "tool_calls": [{"id": "1", "type": "function", "function": {"name": "now", "arguments": {"a": 1.0, "b": 12345678901234567890}}}, {"id": "2", "type": "function", "function": {"name": "now", "arguments": "no json"}}]}, {"role": "tool", "content": "noon", "tool_call_id": "1", "name": "now"}]
						[{"type": "function", "function": {"name": "now", "description": "The time", "parameters": {"type": "object", "properties": {}}}}] None False False None""");
		assertThat(template.render(ChatTemplateInput.of(List.of()))).isEqualTo("[]\nnull None True  ");
	}

	@Test
	void errorsNameFileAndLine() throws IOException {
		write("chat_template.jinja", "a\n{% for %}");
		assertThatExceptionOfType(ChatTemplateException.class).isThrownBy(() -> ChatTemplate.find(this.folder))
			.withMessageContaining(this.folder.resolve("chat_template.jinja") + ", line 2")
			.withMessageContaining("expected a name");
		write("chat_template.jinja", "a\n\n{{ raise_exception('Only user messages!') }}");
		assertThatExceptionOfType(ChatTemplateException.class)
			.isThrownBy(() -> ChatTemplate.load(this.folder).render(HELLO))
			.withMessageContaining("line 3 refuses the conversation: Only user messages!");
		write("chat_template.jinja", "{{ messages[0].content.x.y }}");
		assertThatExceptionOfType(ChatTemplateException.class)
			.isThrownBy(() -> ChatTemplate.load(this.folder).render(HELLO))
			.withMessageContaining("'str object' has no attribute 'x'");
		write("chat_template.jinja", "{% for i in range(99999) %}{% for j in range(99999) %}x{% endfor %}{% endfor %}");
		assertThatExceptionOfType(ChatTemplateException.class)
			.isThrownBy(() -> ChatTemplate.load(this.folder).render(HELLO))
			.withMessageContaining("uses too much");
	}

	@Test
	void hugeAndDamagedFilesAreRefused() throws IOException {
		write("chat_template.jinja", "x".repeat(5 << 20));
		assertThatExceptionOfType(TokenizerException.class).isThrownBy(() -> ChatTemplate.find(this.folder))
			.withMessageContaining("more than the 4194304 bytes");
		Files.write(this.folder.resolve("chat_template.jinja"), new byte[] { (byte) 0xff, (byte) 0xfe });
		assertThatExceptionOfType(TokenizerException.class).isThrownBy(() -> ChatTemplate.find(this.folder))
			.withMessageContaining("not UTF-8");
		Files.delete(this.folder.resolve("chat_template.jinja"));
		for (String json : List.of("", "[]", "{\"a\":" + "[".repeat(9999), "{\"chat_template\": \"x\"")) {
			write("tokenizer_config.json", json);
			assertThatExceptionOfType(TokenizerException.class).isThrownBy(() -> ChatTemplate.find(this.folder))
				.withMessageContaining("tokenizer_config.json");
		}
	}

	@Test
	void rendersLongConversations() {
		ChatTemplate template = ChatTemplate.load(TextVectors.tokenizerFolder("qwen3"));
		List<ChatMessage> messages = Collections.nCopies(500, ChatMessage.user("lorem ipsum ".repeat(600)));
		String text = template.render(ChatTemplateInput.of(messages));
		assertThat(text).hasSizeGreaterThan(3_500_000).endsWith("<|im_start|>assistant\n");
	}

}
