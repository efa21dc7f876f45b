package io.github.flashspring.autoconfigure;

import java.time.Duration;
import java.util.List;
import java.util.Map;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import org.springframework.boot.context.properties.bind.Binder;
import org.springframework.boot.context.properties.source.InvalidConfigurationPropertyValueException;
import org.springframework.boot.context.properties.source.MapConfigurationPropertySource;

import io.github.flashspring.chat.FlashChatOptions;
import io.github.flashspring.engine.FlashConfig;
import io.github.flashspring.engine.cache.KvPrecision;
import io.github.flashspring.engine.memory.RamBudget;
import io.github.flashspring.engine.text.ToolSupport;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

class FlashPropertiesTests {

	@Test
	void byDefaultOnlyTheModelIsGiven() {
		FlashProperties properties = bind(Map.of("flash.model", "org/name"));
		assertThat(properties.toConfig()).isEqualTo(FlashConfig.builder("org/name").ramBudget(null).build());
		assertThat(properties.load()).isEqualTo(FlashProperties.Load.EAGER);
		assertThat(properties.chat().toOptions("org/name"))
			.isEqualTo(FlashChatOptions.builder().model("org/name").build());
	}

	@Test
	void everySettingReachesTheEngine() {
		assertThat(config("flash.model-name", "mine")).isEqualTo(builder().name("mine").build());
		assertThat(config("flash.ram-budget-gb", "0.5"))
			.isEqualTo(builder().ramBudget(RamBudget.ofBytes(1L << 29)).build());
		assertThat(config("flash.device", "cpu")).isEqualTo(builder().device("cpu").build());
		assertThat(config("flash.threads", "3")).isEqualTo(builder().threads(3).build());
		assertThat(config("flash.context-length", "128")).isEqualTo(builder().contextLength(128).build());
		assertThat(config("flash.warm-up", "false")).isEqualTo(builder().warmUp(false).build());
		assertThat(config("flash.prefill-chunk", "64")).isEqualTo(builder().prefillChunk(64).build());
		assertThat(config("flash.parallel", "2")).isEqualTo(builder().parallel(2).build());
		assertThat(config("flash.idle-timeout", "30s"))
			.isEqualTo(builder().idleTimeout(Duration.ofSeconds(30)).build());
		assertThat(config("flash.io.max-compute-degradation", "0.2"))
			.isEqualTo(builder().maxComputeDegradation(0.2).build());
		assertThat(config("flash.ram-budget-follow-pressure", "true"))
			.isEqualTo(builder().followMemoryPressure(true).build());
		assertThat(config("flash.io.direct-io", "false"))
			.isEqualTo(builder().reading(new FlashConfig.Reading(false, 0, 0)).build());
		assertThat(config("flash.io.read-size", "4MB"))
			.isEqualTo(builder().reading(new FlashConfig.Reading(true, 4 << 20, 0)).build());
		assertThat(config("flash.io.reads-in-flight", "3"))
			.isEqualTo(builder().reading(new FlashConfig.Reading(true, 0, 3)).build());
		assertThat(config("flash.kv.mode", "f16"))
			.isEqualTo(builder().kv(new KvPrecision(KvPrecision.Mode.F16)).build());
		assertThat(
				bind(Map.of("flash.model", "org/name", "flash.kv.mode", "hybrid", "flash.kv.window", "256")).toConfig())
			.isEqualTo(builder().kv(new KvPrecision(KvPrecision.Mode.HYBRID, 256, 8)).build());
		assertThat(config("flash.chat.parse-special-tokens", "true"))
			.isEqualTo(builder().chat(new FlashConfig.Chat(true, ToolSupport.AUTO)).build());
		assertThat(config("flash.chat.tools", "refuse"))
			.isEqualTo(builder().chat(new FlashConfig.Chat(false, ToolSupport.REFUSE)).build());
		assertThat(bind(Map.of("flash.load", "background")).load()).isEqualTo(FlashProperties.Load.BACKGROUND);
	}

	@Test
	void everyOptionReachesTheChatModel() {
		assertThat(options("temperature", "0.5")).isEqualTo(FlashChatOptions.builder().temperature(0.5).build());
		assertThat(options("top-k", "5")).isEqualTo(FlashChatOptions.builder().topK(5).build());
		assertThat(options("top-p", "0.5")).isEqualTo(FlashChatOptions.builder().topP(0.5).build());
		assertThat(options("min-p", "0.5")).isEqualTo(FlashChatOptions.builder().minP(0.5).build());
		assertThat(options("repetition-penalty", "1.5"))
			.isEqualTo(FlashChatOptions.builder().repetitionPenalty(1.5).build());
		assertThat(options("presence-penalty", "0.5"))
			.isEqualTo(FlashChatOptions.builder().presencePenalty(0.5).build());
		assertThat(options("frequency-penalty", "0.5"))
			.isEqualTo(FlashChatOptions.builder().frequencyPenalty(0.5).build());
		assertThat(options("seed", "5")).isEqualTo(FlashChatOptions.builder().seed(5L).build());
		assertThat(options("max-tokens", "5")).isEqualTo(FlashChatOptions.builder().maxTokens(5).build());
		assertThat(options("stop-sequences", "a,b"))
			.isEqualTo(FlashChatOptions.builder().stopSequences(List.of("a", "b")).build());
		assertThat(options("enable-thinking", "false"))
			.isEqualTo(FlashChatOptions.builder().enableThinking(false).build());
		assertThat(options("template-variables.[my_name]", "Ada"))
			.isEqualTo(FlashChatOptions.builder().templateVariables(Map.of("my_name", "Ada")).build());
	}

	@ParameterizedTest
	@CsvSource({ "flash.model-name, ' '", "flash.ram-budget-gb, 0", "flash.ram-budget-gb, NaN", "flash.threads, -1",
			"flash.threads, 0", "flash.context-length, -1", "flash.context-length, 0", "flash.prefill-chunk, -1",
			"flash.prefill-chunk, 0", "flash.parallel, 0", "flash.idle-timeout, -1s", "flash.idle-timeout, 366d",
			"flash.io.max-compute-degradation, -0.1", "flash.io.read-size, 1KB", "flash.io.read-size, -1B",
			"flash.io.read-size, 0B", "flash.io.reads-in-flight, 0", "flash.io.read-size, 4GB", "flash.kv.window, 100",
			"flash.kv.window, -64", "flash.kv.bits, 4", "flash.io.reads-in-flight, 65", "flash.io.reads-in-flight, -1",
			"flash.chat.temperature, -1", "flash.chat.top-k, -1", "flash.chat.top-p, 2", "flash.chat.min-p, 2",
			"flash.chat.repetition-penalty, 0", "flash.chat.presence-penalty, 101",
			"flash.chat.frequency-penalty, -101", "flash.chat.max-tokens, 0" })
	void valuesOutOfRangeAreRefusedWithTheirProperty(String name, String value) {
		FlashProperties properties = bind(Map.of("flash.model", "org/name", name, value));
		assertThatExceptionOfType(InvalidConfigurationPropertyValueException.class).isThrownBy(() -> {
			properties.toConfig();
			properties.chat().toOptions(null);
		}).satisfies((ex) -> {
			assertThat(ex.getName()).isEqualTo(name);
			assertThat(ex.getReason()).contains(" must be ");
		});
	}

	@Test
	void modelIsNeeded() {
		assertThatExceptionOfType(InvalidFlashSettingsException.class)
			.isThrownBy(() -> bind(Map.of("flash.model", " ")).toConfig())
			.withMessageContaining("'flash.model'");
	}

	private static FlashConfig.Builder builder() {
		return FlashConfig.builder("org/name").ramBudget(null);
	}

	private static FlashConfig config(String name, String value) {
		return bind(Map.of("flash.model", "org/name", name, value)).toConfig();
	}

	private static FlashChatOptions options(String name, String value) {
		return bind(Map.of("flash.chat." + name, value)).chat().toOptions(null);
	}

	private static FlashProperties bind(Map<String, String> properties) {
		return new Binder(new MapConfigurationPropertySource(properties)).bindOrCreate("flash", FlashProperties.class);
	}

}
