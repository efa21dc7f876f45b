package io.github.flashspring.chat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.LongConsumer;

import io.swagger.v3.oas.annotations.media.ArraySchema;
import io.swagger.v3.oas.annotations.media.Schema;
import org.jspecify.annotations.NullUnmarked;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import org.springframework.ai.chat.client.ChatClient;
import org.springframework.ai.tool.ToolCallback;
import org.springframework.ai.tool.annotation.Tool;
import org.springframework.ai.tool.function.FunctionToolCallback;
import org.springframework.ai.tool.metadata.ToolMetadata;
import org.springframework.core.ParameterizedTypeReference;

import io.github.flashspring.engine.FlashConfig;
import io.github.flashspring.engine.FlashEngine;
import io.github.flashspring.engine.checkpoint.gguf.GgufImporter;
import io.github.flashspring.engine.memory.RamBudget;

import static org.assertj.core.api.Assertions.assertThat;

/**
 * What the modules of Spring AI are tested for with models of their vendors, asked of
 * SmolLM2-135M-Instruct, twenty times each. Where the model comes from is said in
 * {@code InstructModelTests}. Schemas bound the texts of arguments: a model so small goes
 * on with one in six of them until its tokens are used up.
 */
@Tag("slow")
@NullUnmarked
@Timeout(value = 20, unit = TimeUnit.MINUTES)
class InstructModelContractTests {

	private static final Path GGUF = Path.of("../flash-engine/target/smollm2/SmolLM2-135M-Instruct.Q4_1.gguf");

	private static final Path FOLDER = Path.of(System.getenv().getOrDefault("FLASH_SMOLLM2", "target/smollm2"));

	private static final int TIMES = Integer.getInteger("flash.test.times", 20);

	/** Answers that share a pass. */
	private static final int PARALLEL = 10;

	private static FlashEngine engine;

	private static ChatClient client;

	@BeforeAll
	static void load() throws Exception {
		if (!Files.exists(FOLDER.resolve("config.json"))) {
			Process script = new ProcessBuilder("../scripts/fetch-smollm2.sh", "--gguf", GGUF.toString()).inheritIO()
				.start();
			assertThat(script.waitFor()).isZero();
			GgufImporter.importFile(GGUF, FOLDER, (tensor, done, total) -> {
			});
		}
		engine = FlashEngine.load(FlashConfig.builder(FOLDER.toString())
			.ramBudget(RamBudget.UNLIMITED)
			.contextLength(1024)
			.parallel(PARALLEL)
			.build());
		client = ChatClient.create(FlashChatModel.builder(engine).build());
	}

	@AfterAll
	static void close() {
		engine.close();
	}

	/** Fails with the first of the failures, and says how many there are. */
	private static void everyTime(LongConsumer test) throws Exception {
		List<Callable<Throwable>> tests = new ArrayList<>();
		for (long seed = 0; seed < TIMES; seed++) {
			long each = seed;
			tests.add(() -> {
				try {
					test.accept(each);
					return null;
				}
				catch (AssertionError | RuntimeException ex) {
					return ex;
				}
			});
		}
		List<Throwable> failures = new ArrayList<>();
		try (ExecutorService threads = Executors.newFixedThreadPool(PARALLEL)) {
			for (Future<Throwable> failure : threads.invokeAll(tests)) {
				if (failure.get() != null) {
					failures.add(failure.get());
				}
			}
		}
		if (!failures.isEmpty()) {
			throw new AssertionError(failures.size() + " of " + TIMES + " failed, the first of them:",
					failures.getFirst());
		}
	}

	private static FlashChatOptions.Builder options(long seed) {
		return FlashChatOptions.builder().temperature(0.7).maxTokens(300).seed(seed);
	}

	private static FlashChatOptions.Builder required(long seed) {
		return options(seed).toolChoice("required").parallelToolCalls(false);
	}

	@Test
	void recordsAreFilled() throws Exception {
		everyTime((seed) -> {
			Person person = client.prompt("Ada Lovelace, 36 years old, lives in London. Who is she?")
				.options(options(seed))
				.call()
				.entity(Person.class, (spec) -> spec.useProviderStructuredOutput());
			assertThat(person.name()).isNotNull();
			assertThat(person.mood()).isNotNull();
			assertThat(person.address().city()).isNotNull();
		});
	}

	@Test
	void listsAreFilled() throws Exception {
		everyTime((seed) -> assertThat(client.prompt("Name two cities and their countries, no more.")
			.options(options(seed).outputSchema("""
					{"type":"array","minItems":2,"maxItems":2,"items":{"type":"object","properties":{
					"city":{"type":"string","maxLength":30},"country":{"type":"string","maxLength":30}},
					"required":["city","country"],"additionalProperties":false}}"""))
			.call()
			.entity(new ParameterizedTypeReference<List<Address>>() {
			})).hasSize(2).allSatisfy((address) -> assertThat(address.country()).isNotNull()));
	}

	@Test
	void mapsAreFilled() throws Exception {
		everyTime((seed) -> assertThat(client.prompt("How many legs have a dog, a bird and a spider?")
			.options(options(seed).outputSchema("""
					{"type":"object","additionalProperties":{"type":"integer","minimum":0,"maximum":99},
					"propertyNames":{"maxLength":12},"maxProperties":3,"minProperties":1}"""))
			.call()
			.entity(new ParameterizedTypeReference<Map<String, Integer>>() {
			})).isNotEmpty().allSatisfy((_, legs) -> assertThat(legs).isBetween(0, 99)));
	}

	@Test
	void streamsAreFilled() throws Exception {
		everyTime((seed) -> {
			String json = String.join("",
					client.prompt("Invent a person.")
						.options(options(seed).outputSchema(
								"""
										{"type":"object","properties":{"name":{"type":"string","maxLength":30},"age":{"type":"integer"}},
										"required":["name","age"],"additionalProperties":false}"""))
						.stream()
						.content()
						.collectList()
						.block(Duration.ofMinutes(10)));
			assertThat(json).matches("(?s)\\s?\\{\\s*\"name\"\\s?:.*,\\s*\"age\"\\s?:\\s?-?\\d+\\s*\\}");
		});
	}

	@Test
	void toolsGetArgumentsOfTheirTypes() throws Exception {
		everyTime((seed) -> {
			Tools tools = new Tools();
			client.prompt("What is the weather in Rome in the next 3 days?")
				.options(options(seed).toolChoice("forecast").parallelToolCalls(false))
				.tools(tools)
				.call()
				.content();
			assertThat(tools.forecasts).hasValue(1);
		});
	}

	@Test
	void streamsCallTools() throws Exception {
		everyTime((seed) -> {
			Tools tools = new Tools();
			client.prompt("What is the weather in Rome in the next 3 days?")
				.options(options(seed).toolChoice("forecast").parallelToolCalls(false))
				.tools(tools)
				.stream()
				.content()
				.collectList()
				.block(Duration.ofMinutes(10));
			assertThat(tools.forecasts).hasValue(1);
		});
	}

	@Test
	void toolsWithoutArgumentsAreCalled() throws Exception {
		everyTime((seed) -> {
			AtomicInteger called = new AtomicInteger();
			client.prompt("Switch the light on.")
				.options(required(seed))
				.tools(FunctionToolCallback.builder("lightOn", () -> called.incrementAndGet())
					.description("Switches the light on.")
					.inputType(Void.class)
					.build())
				.call()
				.content();
			assertThat(called).hasValue(1);
		});
	}

	@Test
	void resultsAreReturnedDirectly() throws Exception {
		everyTime((seed) -> {
			FlashChatOptions.Builder options = required(seed);
			assertThat(client.prompt("Where is Ada?").options(options).tools(finder()).call().content())
				.contains("found");
			assertThat(client.prompt("Where is Ada?")
				.options(options)
				.tools(finder())
				.stream()
				.content()
				.collectList()
				.block(Duration.ofMinutes(10))).singleElement().asString().contains("found");
		});
	}

	private static ToolCallback finder() {
		return FunctionToolCallback.builder("find", (Query query) -> "found " + query.name())
			.description("Finds a person.")
			.inputType(Query.class)
			.toolMetadata(ToolMetadata.builder().returnDirect(true).build())
			.build();
	}

	@Test
	void nestedArgumentsAreBound() throws Exception {
		everyTime((seed) -> {
			List<Order> orders = new ArrayList<>();
			client.prompt("Order 2 apples for Ada in London, England.")
				.options(required(seed))
				.tools(FunctionToolCallback.builder("order", (Order order) -> orders.add(order) ? "ordered" : "")
					.description("Orders goods.")
					.inputType(Order.class)
					.build())
				.call()
				.content();
			assertThat(orders).hasSize(1);
			assertThat(orders.getFirst().address().city()).isNotNull();
			assertThat(orders.getFirst().goods()).isNotNull();
			assertThat(orders.getFirst().unit()).isNotNull();
		});
	}

	@Test
	void theNamedToolOfSeveralIsCalled() throws Exception {
		everyTime((seed) -> {
			Tools tools = new Tools();
			client.prompt("What is the weather in Rome?")
				.options(options(seed).toolChoice("time").parallelToolCalls(false))
				.tools(tools)
				.call()
				.content();
			assertThat(tools.times).hasValue(1);
			assertThat(tools.forecasts).hasValue(0);
		});
	}

	@Test
	void aToolIsCalledAndThenARecordIsFilled() throws Exception {
		everyTime((seed) -> {
			Tools tools = new Tools();
			Clock clock = client.prompt("What time is it?")
				.options(options(seed).toolChoice("time").parallelToolCalls(false))
				.tools(tools)
				.call()
				.entity(Clock.class, (spec) -> spec.useProviderStructuredOutput());
			assertThat(tools.times).hasValue(1);
			assertThat(clock).isNotNull();
		});
	}

	record Person(String name, int age, Mood mood, Address address) {

	}

	record Address(@Schema(maxLength = 40) String city, @Schema(maxLength = 40) String country) {

	}

	enum Mood {

		HAPPY, SAD

	}

	record Query(@Schema(maxLength = 40) String name) {

	}

	record Order(@Schema(maxLength = 40) String customer, Address address, @ArraySchema(maxItems = 3) List<Item> goods,
			Unit unit, boolean express) {

	}

	record Item(@Schema(maxLength = 40) String name, int count) {

	}

	enum Unit {

		PIECE, KILOGRAM

	}

	record Clock(int hour, int minute) {

	}

	/** Tools as methods. */
	static final class Tools {

		final AtomicInteger forecasts = new AtomicInteger();

		final AtomicInteger times = new AtomicInteger();

		@Tool(description = "The weather of the next days in a city.")
		String forecast(Address place, int days, Unit unit, double latitude, boolean details) {
			assertThat(place.city()).isNotNull();
			assertThat(unit).isNotNull();
			this.forecasts.incrementAndGet();
			return "sunny";
		}

		@Tool(description = "The time.")
		String time() {
			this.times.incrementAndGet();
			return "12:30";
		}

	}

}
