package io.github.flashspring.cli;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import io.github.flashspring.engine.FlashConfig;
import io.github.flashspring.engine.GenerationRequest;
import io.github.flashspring.engine.GenerationRequest.Chat;
import io.github.flashspring.engine.generate.Sampling;
import io.github.flashspring.engine.memory.RamBudget;
import io.github.flashspring.engine.text.ChatMessage;

import static org.assertj.core.api.Assertions.assertThat;

/**
 * {@code flash create}, and what {@code run}, {@code chat} and {@code show} make of a
 * Modelfile.
 */
class ModelfileCommandsTests {

	private static final String TEXT = """
			FROM ./model
			PARAMETER num_ctx 512
			PARAMETER temperature 0.25
			PARAMETER stop END
			# FLASH_RAM_GB 2
			SYSTEM Be kind.
			MESSAGE user a
			MESSAGE assistant b
			""";

	private final ScriptedEngine engine = new ScriptedEngine();

	@TempDir
	private Path folder;

	@Test
	void createdModelRunsByItsName() throws IOException {
		Path file = write(TEXT);
		Call create = Call.of(this.engine::load, "create", "created-kind", "-f", file.toString());
		assertThat(create.code()).isZero();
		assertThat(create.err()).contains("flash run created-kind");
		this.engine.says("x");
		assertThat(Call.of(this.engine::load, "run", "created-kind", "Who", "is it?", "--top-k", "3").code()).isZero();
		assertThat(this.engine.config)
			.isEqualTo(config(this.folder.resolve("model").toString()).name("created-kind").build());
		GenerationRequest request = this.engine.requests.getFirst();
		assertThat(request.prompt()).isEqualTo(new Chat(List.of(ChatMessage.system("Be kind."), ChatMessage.user("a"),
				ChatMessage.assistant("b"), ChatMessage.user("Who is it?")), List.of(), Map.of()));
		assertThat(request.sampling()).isEqualTo(new Sampling(1.1f, 0, 0, 0.25f, 3, 0.95f, 0, null));
		assertThat(request.stopSequences()).containsExactly("END");
	}

	@Test
	void shownModelfileCreatesTheSameModel() throws IOException {
		Path file = write(TEXT);
		Call.of(this.engine::load, "create", "created-first", "-f", file.toString());
		Call shown = Call.of(this.engine::load, "show", "--modelfile", "created-first");
		assertThat(shown.out()).contains("FROM " + this.folder.resolve("model")).contains("SYSTEM Be kind.");
		Path again = Files.writeString(this.folder.resolve("again"), shown.out());
		Call.of(this.engine::load, "create", "created-second", "-f", again.toString());
		assertThat(Call.of(this.engine::load, "show", "--modelfile", "created-second").out()).isEqualTo(shown.out());
	}

	@Test
	void createdModelMayBuildOnAnother() throws IOException {
		Call.of(this.engine::load, "create", "created-base", "-f", write(TEXT).toString());
		Path file = write("FROM created-base\nSYSTEM Be brief.\nPARAMETER stop STOP\n");
		assertThat(Call.of(this.engine::load, "create", "created-child", "-f", file.toString()).code()).isZero();
		this.engine.says("x");
		Call.of(this.engine::load, "run", "created-child", "-p", "hi");
		assertThat(((Chat) this.engine.requests.getFirst().prompt()).messages().getFirst())
			.isEqualTo(ChatMessage.system("Be brief."));
		assertThat(this.engine.requests.getFirst().stopSequences()).containsExactly("STOP");
		assertThat(this.engine.config)
			.isEqualTo(config(this.folder.resolve("model").toString()).name("created-child").build());
	}

	@Test
	void modelfileIsTakenWithoutAName() throws IOException {
		Path file = write(TEXT);
		this.engine.says("x").says("y");
		Call.of(this.engine::load, "run", "--modelfile", file.toString(), "Hi", "--ram", "1", "--system", "Own.");
		assertThat(this.engine.config)
			.isEqualTo(config(this.folder.resolve("model").toString()).ramBudget(RamBudget.ofGigabytes(1)).build());
		assertThat(((Chat) this.engine.requests.getFirst().prompt()).messages().getFirst())
			.isEqualTo(ChatMessage.system("Own."));
		Call.of(this.engine::load, "run", "--modelfile", file.toString(), "-m", "other", "Hi");
		assertThat(this.engine.config).isEqualTo(config("other").build());
	}

	@Test
	void refusedInstructionNamesFileAndLineAndCreatesNothing() throws IOException {
		Path file = write("FROM ./model\nADAPTER ./lora\n");
		Call call = Call.of(this.engine::load, "create", "created-never", "-f", file.toString());
		assertThat(call.code()).isOne();
		assertThat(call.err()).contains(file + ", line 2: ").contains("adapters");
		assertThat(Call.of(this.engine::load, "create", "no/name", "-f", write(TEXT).toString()).code()).isEqualTo(2);
		Call missing = Call.of(this.engine::load, "create", "created-never", "-f", write("FROM ./none\n").toString());
		assertThat(missing.code()).isOne();
		assertThat(missing.err()).contains("There is no model folder './none'");
		assertThat(ModelStore.ofSystem().names()).doesNotContain("created-never");
	}

	@Test
	void pipedInputIsPartOfThePrompt() {
		this.engine.says("x").says("y");
		Call.typing("some text\n", false, this.engine::load, "run", "m", "Summarise:");
		Call.typing("Hi there\n", false, this.engine::load, "run", "m");
		assertThat(this.engine.requests).extracting((request) -> ((Chat) request.prompt()).messages())
			.containsExactly(List.of(ChatMessage.user("Summarise:\n\nsome text")),
					List.of(ChatMessage.user("Hi there")));
	}

	@Test
	void settingsOfAConversationAreSavedWithWhatWasSaid() throws IOException {
		this.engine.says("One").says("Two").says("Three");
		Call call = Call.typing("""
				/set parameter temperature 0.125
				/set parameter temprature 1
				/set think
				/system ""\"Be
				brief.""\"
				""\"a
				b""\"
				/save created-talk
				/clear
				/show parameters
				/nonsense
				/load created-talk
				Go on
				/bye
				""", false, this.engine::load, "chat", "m");
		assertThat(call.code()).isZero();
		assertThat(call.out()).isEqualTo("One\nTwo\n");
		assertThat(call.err()).contains("Did you mean 'temperature'?")
			.contains("temperature 0.125")
			.contains("Unknown command /nonsense")
			.contains("Loaded created-talk");
		Chat first = (Chat) this.engine.requests.getFirst().prompt();
		assertThat(first).isEqualTo(new Chat(List.of(ChatMessage.system("Be\nbrief."), ChatMessage.user("a\nb")),
				List.of(), Map.of("enable_thinking", true)));
		assertThat(this.engine.requests.getFirst().sampling())
			.isEqualTo(new Sampling(1.1f, 0, 0, 0.125f, 20, 0.95f, 0, null));
		assertThat(((Chat) this.engine.requests.getLast().prompt()).messages()).containsExactly(
				ChatMessage.system("Be\nbrief."), ChatMessage.user("a\nb"), ChatMessage.assistant("One"),
				ChatMessage.user("Go on"));
		assertThat(this.engine.closed).isTrue();
	}

	@Test
	void pathsAreNoCommands() {
		assertThat(SlashCommands.isCommand("/etc/hosts is a file")).isFalse();
		assertThat(SlashCommands.isCommand("/set parameter a b")).isTrue();
		assertThat(SlashCommands.isCommand("/?")).isTrue();
	}

	private FlashConfig.Builder config(String model) {
		return FlashConfig.builder(model)
			.contextLength(512)
			.ramBudget(RamBudget.ofGigabytes(2))
			.idleTimeout(Duration.ZERO);
	}

	private Path write(String text) throws IOException {
		Files.createDirectories(this.folder.resolve("model"));
		return Files.writeString(this.folder.resolve("Modelfile"), text);
	}

}
