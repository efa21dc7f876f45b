package io.github.flashspring.cli;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

import io.github.flashspring.engine.FlashEngine;

import static org.assertj.core.api.Assertions.assertThat;

/**
 * Tests for {@code flash show}.
 */
class ShowCommandTests {

	@TempDir
	private Path folder;

	@Test
	void showsWhatTheChatTemplateCarries() throws IOException {
		Files.writeString(this.folder.resolve("config.json"), "{\"model_type\": \"llama\"}");
		Files.writeString(this.folder.resolve("chat_template.jinja"),
				"{% for m in messages %}{% if m.role == 'system' %}{{ raise_exception('no') }}{% endif %}{{ m.content }}{% endfor %}");
		Call call = Call.of(FlashEngine::load, "show", "--model", this.folder.toString());
		assertThat(call.err()).isEmpty();
		assertThat(call.code()).isZero();
		assertThat(call.out()).contains("architecture", "llama")
			.containsPattern("system message +no: added to the user's first message")
			.containsPattern("tool definitions +no: defined in the system message")
			.contains("tokens: none: prompts are token ids");
		Call asJson = Call.of(FlashEngine::load, "show", "--json", "--model", this.folder.toString());
		JsonNode json = JsonMapper.shared().readTree(asJson.out());
		assertThat(json.at("/model/architecture").stringValue()).isEqualTo("llama");
		assertThat(json.at("/chat template/content").stringValue()).isEqualTo("text");
	}

	@Test
	void modelsWithoutTemplateShowSo() throws IOException {
		Files.writeString(this.folder.resolve("config.json"), "{\"model_type\": \"llama\"}");
		Call call = Call.of(FlashEngine::load, "show", "--model", this.folder.toString());
		assertThat(call.out()).contains("chat template: none: prompts are plain text");
	}

}
