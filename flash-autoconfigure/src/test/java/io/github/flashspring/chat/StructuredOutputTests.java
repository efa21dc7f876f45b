package io.github.flashspring.chat;

import java.util.List;

import org.junit.jupiter.api.Test;

import org.springframework.ai.chat.client.ChatClient;
import org.springframework.core.ParameterizedTypeReference;

import io.github.flashspring.engine.generate.grammar.CompiledGrammar;
import io.github.flashspring.engine.generate.grammar.Structure;

import static org.assertj.core.api.Assertions.assertThat;

/**
 * Spring AI's structured output, up to what is asked of the engine.
 */
class StructuredOutputTests {

	@Test
	void entitiesAskForTheirSchema() {
		ScriptedEngine engine = ScriptedEngine.saying("{\"name\": \"Ada\", \"age\": 36}");
		Person person = client(engine).prompt("Who?")
			.call()
			.entity(Person.class, (spec) -> spec.useProviderStructuredOutput());
		assertThat(person).isEqualTo(new Person("Ada", 36));
		Structure.JsonSchema structure = structure(engine);
		assertThat(structure.schema()).contains("\"name\"", "\"age\"");
		CompiledGrammar.check(structure);
	}

	@Test
	void listsOfEntitiesAskForAnArray() {
		ScriptedEngine engine = ScriptedEngine.saying("[{\"name\": \"Ada\", \"age\": 36}]");
		List<Person> people = client(engine).prompt("Who?")
			.call()
			.entity(new ParameterizedTypeReference<List<Person>>() {
			}, (spec) -> spec.useProviderStructuredOutput());
		assertThat(people).containsExactly(new Person("Ada", 36));
		assertThat(structure(engine).schema()).contains("\"array\"");
		CompiledGrammar.check(structure(engine));
	}

	@Test
	void streamsAskForTheSchemaOfTheirOptions() {
		ScriptedEngine engine = ScriptedEngine.saying("\"a\"");
		client(engine).prompt("Who?")
			.options(FlashChatOptions.builder().outputSchema("{\"type\":\"string\"}"))
			.stream()
			.content()
			.collectList()
			.block();
		assertThat(structure(engine).schema()).isEqualTo("{\"type\":\"string\"}");
	}

	private static ChatClient client(ScriptedEngine engine) {
		return ChatClient.create(FlashChatModel.builder(engine).build());
	}

	private static Structure.JsonSchema structure(ScriptedEngine engine) {
		if (engine.requests.getLast().structure() instanceof Structure.JsonSchema schema) {
			return schema;
		}
		throw new AssertionError("No schema was asked for");
	}

	record Person(String name, int age) {

	}

}
