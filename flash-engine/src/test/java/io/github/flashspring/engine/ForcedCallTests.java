package io.github.flashspring.engine;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import io.github.flashspring.engine.generate.FinishReason;
import io.github.flashspring.engine.generate.Sampling;
import io.github.flashspring.engine.generate.grammar.Structure;
import io.github.flashspring.engine.memory.RamBudget;
import io.github.flashspring.engine.text.ChatMessage;
import io.github.flashspring.engine.text.ToolCall;
import io.github.flashspring.engine.text.ToolDefinition;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

/**
 * Calls of tools by a small model that has never seen one.
 */
class ForcedCallTests {

	private static final Path MODEL = Path.of("src/test/resources/models/stories260K/bf16");

	private static final String SCHEMA = """
			{"type":"object","properties":{"city":{"type":"string","maxLength":12},"days":{"type":"integer","minimum":1,
			"maximum":14}},"required":["city","days"],"additionalProperties":false}""";

	private static final List<ToolDefinition> TOOLS = List.of(new ToolDefinition("weather", "A forecast.", SCHEMA),
			new ToolDefinition("time", "The time.", ""));

	@TempDir
	private static Path folder;

	private static FlashEngine engine;

	@BeforeAll
	static void load() throws IOException {
		try (Stream<Path> files = Files.list(MODEL)) {
			for (Path file : files.toList()) {
				Files.copy(file, folder.resolve(file.getFileName()));
			}
		}
		Files.writeString(folder.resolve("chat_template.jinja"),
				"{% for tool in tools or [] %}{{ tool | tojson }}{% endfor %}{% for message in messages %}{{ message.content }}\n{% endfor %}{# <think></think> <tool_call> #}");
		engine = FlashEngine.load(FlashConfig.builder(folder.toString()).ramBudget(RamBudget.UNLIMITED).build());
	}

	@AfterAll
	static void close() {
		engine.close();
	}

	private static Answer answer(ToolChoice choice, Structure structure, long seed) {
		GenerationRequest.Chat chat = new GenerationRequest.Chat(List.of(ChatMessage.user("How is it in Oslo?")), TOOLS,
				Map.of(), choice);
		GenerationRequest request = new GenerationRequest(chat, new Sampling(1, 0, 0, 1.5f, 0, 1, 0, seed), 400,
				List.of(), false, structure);
		StringBuilder text = new StringBuilder();
		List<ToolCall> calls = new ArrayList<>();
		FinishReason reason = FinishReason.CANCELLED;
		try (Generation generation = engine.generate(request)) {
			for (GenerationEvent event = generation.next(); event != null; event = generation.next()) {
				switch (event) {
					case GenerationEvent.Text piece -> text.append(piece.text());
					case GenerationEvent.ToolCalled called -> calls.add(called.call());
					case GenerationEvent.Finished finished -> reason = finished.reason();
					default -> {
					}
				}
				if (event instanceof GenerationEvent.Finished) {
					break;
				}
			}
		}
		return new Answer(text.toString(), calls, reason);
	}

	@Test
	void requiredCallsAreMadeAndValid() {
		for (long seed = 0; seed < 20; seed++) {
			Answer answer = answer(new ToolChoice(ToolChoice.Use.REQUIRED, "weather", false),
					new Structure.JsonSchema("{\"type\":\"null\"}", true, false), seed);
			if (answer.reason() == FinishReason.LENGTH) {
				continue; // it went on thinking
			}
			assertThat(answer.reason()).as(answer.toString()).isEqualTo(FinishReason.TOOL_CALLS);
			assertThat(answer.text()).isEmpty();
			assertThat(answer.calls()).hasSize(1);
			assertThat(answer.calls().getFirst().name()).isEqualTo("weather");
			assertThat(Schemas.errors(SCHEMA, answer.calls().getFirst().argumentsJson())).isEmpty();
		}
	}

	@Test
	void roundsGiveEitherCallsOrTheValue() {
		String schema = "{\"enum\":[\"yes\",\"no\"]}";
		for (long seed = 0; seed < 20; seed++) {
			Answer answer = answer(ToolChoice.AUTO, new Structure.JsonSchema(schema, true, false), seed);
			if (answer.reason() == FinishReason.LENGTH) {
				continue;
			}
			if (answer.calls().isEmpty()) {
				assertThat(answer.text()).isIn("\"yes\"", "\"no\"");
			}
			else {
				assertThat(answer.text()).isBlank();
				assertThat(answer.reason()).isEqualTo(FinishReason.TOOL_CALLS);
			}
		}
	}

	@Test
	void toolsThatAreNotThereCannotBeRequired() {
		assertThatIllegalArgumentException()
			.isThrownBy(() -> answer(ToolChoice.named("stocks"), new Structure.Gbnf("root ::= \"a\""), 1))
			.withMessage("A call of the tool 'stocks' is required, but there are only [weather, time]");
	}

	private record Answer(String text, List<ToolCall> calls, FinishReason reason) {

	}

}
