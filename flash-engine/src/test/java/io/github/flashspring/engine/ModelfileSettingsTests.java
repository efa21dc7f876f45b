package io.github.flashspring.engine;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import io.github.flashspring.engine.generate.Sampling;
import io.github.flashspring.engine.memory.RamBudget;
import io.github.flashspring.engine.modelfile.Modelfile;
import io.github.flashspring.engine.modelfile.ModelfileException;
import io.github.flashspring.engine.text.ChatMessage;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

/**
 * {@link ModelfileSettings}: each instruction works, is refused, or says that it has no
 * effect.
 */
class ModelfileSettingsTests {

	@Test
	void instructionsAboutTheEngineReachItsConfiguration() {
		ModelfileSettings settings = settings("""
				FROM org/name
				PARAMETER num_ctx 2048
				PARAMETER num_batch 128
				PARAMETER num_thread 2
				PARAMETER num_gpu 0
				# FLASH_RAM_GB 1.5
				# FLASH_THREADS 3
				TEMPLATE {% for m in messages %}{{ m.content }}{% endfor %}
				""");
		assertThat(settings.config()).isEqualTo(FlashConfig.builder("org/name")
			.contextLength(2048)
			.prefillChunk(128)
			.threads(3)
			.device("cpu")
			.ramBudget(RamBudget.ofGigabytes(1.5))
			.chat(FlashConfig.Chat.DEFAULT.withTemplate("{% for m in messages %}{{ m.content }}{% endfor %}"))
			.build());
		assertThat(settings.notes()).isEmpty();
	}

	@Test
	void parametersGoOverTheModelsSampling() {
		Sampling base = new Sampling(1.2f, 0, 0, 0.5f, 7, 0.8f, 0, null);
		assertThat(settings("FROM m\nPARAMETER temperature 0\nPARAMETER seed 9\nPARAMETER top_k -1").sampling(base))
			.isEqualTo(new Sampling(1.2f, 0, 0, 0, 0, 0.8f, 0, 9L));
		assertThat(settings(
				"FROM m\nPARAMETER top_p 0\nPARAMETER min_p 0.1\nPARAMETER repeat_last_n 0\nPARAMETER presence_penalty 1")
			.sampling(base)).isEqualTo(new Sampling(1, 0, 0, 0.5f, 1, 1, 0.1f, null));
		assertThat(settings("FROM m\nPARAMETER repeat_penalty 1.5\nPARAMETER frequency_penalty -1\nPARAMETER seed -1")
			.sampling(base)).isEqualTo(new Sampling(1.5f, 0, -1, 0.5f, 7, 0.8f, 0, null));
	}

	@Test
	void answersEndAsTheFileSays() {
		ModelfileSettings settings = settings("FROM m\nPARAMETER num_predict 5\nPARAMETER stop a\nPARAMETER stop b c");
		assertThat(settings.maxTokens()).isEqualTo(5);
		assertThat(settings.stopSequences()).containsExactly("a", "b c");
		assertThat(settings("FROM m\nPARAMETER num_predict -2").maxTokens()).isNull();
	}

	@Test
	void systemAndMessagesComeBeforeTheConversation() {
		ModelfileSettings settings = settings("FROM m\nMESSAGE user a\nSYSTEM s\nMESSAGE assistant b");
		assertThat(settings.before(List.of(ChatMessage.user("c")))).containsExactly(ChatMessage.system("s"),
				ChatMessage.user("a"), ChatMessage.assistant("b"), ChatMessage.user("c"));
		assertThat(settings.before(List.of(ChatMessage.system("own"), ChatMessage.user("c")))).containsExactly(
				ChatMessage.system("own"), ChatMessage.user("a"), ChatMessage.assistant("b"), ChatMessage.user("c"));
	}

	@ParameterizedTest
	@CsvSource(delimiter = '|', textBlock = """
			ADAPTER ./lora|adapters (LoRA)
			DRAFT small|no draft model
			FLASH_TOP_K 2|would change the model's answers
			TEMPLATE {{ .System }} {{ .Prompt }}|Go template
			TEMPLATE {{- range .Messages }}x{{ end }}|Go template
			TEMPLATE Hello|does not contain messages
			TEMPLATE {% for x %}|cannot be read
			PARAMETER num_ctx 0|num_ctx must be above 0
			PARAMETER num_predict 0|num_predict must be above 0
			PARAMETER top_p 1.5|topP must be
			PARAMETER temperature -1|temperature must be
			PARAMETER repeat_last_n -2|repeat_last_n must be -1 or more
			PARAMETER num_thread 5000|threads must be 0 to 1024
			PARAMETER num_ctx 99999999999|more than 32 bits
			# FLASH_RAM_GB 0|above 0
			# FLASH_THREADS 2000|threads must be 0 to 1024
			""")
	void refusalsNameLineAndReason(String line, String reason) {
		assertThatExceptionOfType(ModelfileException.class).isThrownBy(() -> settings("FROM m\n" + line))
			.withMessageContaining("t, line 2: ")
			.withMessageContaining(reason);
	}

	@ParameterizedTest
	@CsvSource(delimiter = '|', textBlock = """
			PARAMETER typical_p 0.5|PARAMETER typical_p has no effect: Flash has no typical sampling.
			PARAMETER mirostat 2|PARAMETER mirostat has no effect: Ollama ignores it too.
			PARAMETER use_mmap true|PARAMETER use_mmap has no effect
			PARAMETER num_gpu 20|PARAMETER num_gpu has no effect
			FLASH_PREFETCH_LAYERS 2|FLASH_PREFETCH_LAYERS has no effect: the planner decides
			FLASH_EVICTION free|FLASH_EVICTION has no effect
			REQUIRES 0.14.0|REQUIRES has no effect: it is a version of Ollama.
			RENDERER qwen3|RENDERER has no effect
			""")
	void whatHasNoEffectSaysSo(String line, String note) {
		assertThat(settings("FROM m\n" + line).notes()).singleElement()
			.asString()
			.startsWith("t, line 2: ")
			.contains(note);
	}

	@Test
	void flashOffKeepsTheWholeModelInMemory() {
		assertThat(settings("FROM m\nFLASH off").config().ramBudget()).isEqualTo(RamBudget.UNLIMITED);
		ModelfileSettings both = settings("FROM m\nFLASH false\nFLASH_RAM_GB 2");
		assertThat(both.config().ramBudget()).isEqualTo(RamBudget.UNLIMITED);
		assertThat(both.notes()).singleElement().asString().contains("FLASH is off");
	}

	@Test
	void pathsAreRelativeToTheFile(@TempDir Path folder) throws IOException {
		Files.createDirectory(folder.resolve("model"));
		assertThat(settings("FROM ./model", folder).model()).isEqualTo(folder.resolve("model").toString());
		assertThat(settings("FROM model", folder).model()).isEqualTo(folder.resolve("model").toString());
		assertThat(settings("FROM org/name", folder).model()).isEqualTo("org/name");
	}

	@Test
	void fewBitsAreWarnedOf() {
		ModelInfo threeBits = new ModelInfo("m", "llama", 800, 350, "3 bits", 1, 4, 64, true, true, Sampling.GREEDY);
		assertThat(settings("FROM m\nFLASH_QUANT_WARN_BELOW 4").quantizationWarning(threeBits))
			.contains("3.5 bits per weight");
		assertThat(settings("FROM m\nFLASH_QUANT_WARN_BELOW 3").quantizationWarning(threeBits)).isNull();
	}

	private static ModelfileSettings settings(String text) {
		return ModelfileSettings.of(Modelfile.parse(text.getBytes(StandardCharsets.UTF_8), "t"), null);
	}

	private static ModelfileSettings settings(String text, Path folder) {
		return ModelfileSettings.of(Modelfile.parse(text.getBytes(StandardCharsets.UTF_8), "t"), folder);
	}

}
