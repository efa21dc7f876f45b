package io.github.flashspring.engine.hub;

import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.Stream;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import io.github.flashspring.engine.checkpoint.HubId;
import io.github.flashspring.engine.checkpoint.ModelLocator;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

/**
 * Downloads from a hub that behaves, and from one that does not.
 */
class HubTests {

	private static final HubId ID = HubId.parse("org/name").orElseThrow();

	private static final int PART = 10_000;

	@TempDir
	Path home;

	private FakeHub fake;

	private final Map<String, String> environment = new HashMap<>();

	@BeforeEach
	void start() throws IOException {
		this.fake = new FakeHub().with("config.json", "{\"model_type\":\"llama\"}")
			.with("tokenizer.json", random(6_000, 1))
			.with("model.safetensors", random(95_000, 2))
			.with("sub/vocab.txt", "a\nb\n")
			.with("modeling.py", "import os")
			.with("pytorch_model.bin", random(50_000, 3))
			.with("README.md", "# name")
			.with("empty.json", "");
		this.environment.put("HF_HOME", this.home.resolve("hf").toString());
		this.environment.put("HF_ENDPOINT", this.fake.endpoint() + "/");
	}

	@AfterEach
	void stop() {
		this.fake.close();
	}

	@Test
	void downloadsWhatMlxLmWouldInTheSharedLayout() throws IOException {
		Path snapshot = pull(ID);
		assertThat(files(snapshot)).containsExactly("config.json", "empty.json", "model.safetensors", "sub/vocab.txt",
				"tokenizer.json");
		Path repository = this.home.resolve("hf/hub/models--org--name");
		assertThat(snapshot).isEqualTo(repository.resolve("snapshots").resolve(FakeHub.COMMIT));
		assertThat(Files.readString(repository.resolve("refs/main"))).isEqualTo(FakeHub.COMMIT);
		for (String path : files(snapshot)) {
			byte[] bytes = this.fake.bytes(path);
			String hash = (bytes.length >= this.fake.largeFrom) ? FakeHub.sha256(bytes) : FakeHub.gitHash(bytes);
			Path link = snapshot.resolve(path);
			assertThat(Files.readSymbolicLink(link).toString())
				.isEqualTo("../".repeat(path.contains("/") ? 3 : 2) + "blobs/" + hash);
			assertThat(Files.readAllBytes(link)).isEqualTo(bytes);
		}
		assertThat(files(repository.resolve("blobs"))).hasSize(5);
		assertThat(Files.readString(this.home.resolve("hf/hub/CACHEDIR.TAG")))
			.startsWith("Signature: 8a477f597d28d172789f06886806bc55");
		assertThat(new ModelLocator(this.environment::get, this.home).locate("hf://org/name")).isEqualTo(snapshot);
	}

	@Test
	void secondDownloadFetchesNoFile() {
		pull(ID);
		long bytes = this.fake.bodyBytes();
		pull(ID);
		assertThat(this.fake.bodyBytes()).isEqualTo(bytes);
	}

	@Test
	void revisionsAreNamedInTheirOwnFolders() throws IOException {
		pull(HubId.parse("org/name@refs/pr/1").orElseThrow());
		assertThat(Files.readString(this.home.resolve("hf/hub/models--org--name/refs/refs/pr/1")))
			.isEqualTo(FakeHub.COMMIT);
		pull(HubId.parse("org/name@" + FakeHub.COMMIT).orElseThrow());
		assertThat(this.home.resolve("hf/hub/models--org--name/refs/main")).doesNotExist();
	}

	@Test
	void listsOfSeveralPagesAreRead() {
		this.fake.pageSize = 2;
		assertThat(pull(ID)).isDirectoryContaining("glob:**/model.safetensors");
	}

	@Test
	void exactlyTheShardsOfTheIndexAreFetched() throws IOException {
		this.fake.without("model.safetensors");
		this.fake.with("model-a.safetensors", random(100, 4))
			.with("model-b.safetensors", random(100, 5))
			.with("model-old.safetensors", random(100, 6))
			.with(FileSelection.INDEX,
					"{\"weight_map\":{\"x\":\"model-b.safetensors\",\"y\":\"model-a.safetensors\"}}");
		assertThat(files(pull(ID))).contains("model-a.safetensors", "model-b.safetensors", FileSelection.INDEX)
			.doesNotContain("model-old.safetensors");
	}

	@Test
	void repositoryOfGgufFilesIsRefusedWithTheirList() {
		this.fake.without("model.safetensors");
		this.fake.with("name.Q4_K_M.gguf", random(2048, 7));
		refuses("has no weights in safetensors format", "'name.Q4_K_M.gguf' (2.00 KB)", "flash import FILE.gguf");
	}

	@ParameterizedTest
	@ValueSource(strings = { "../evil.json", "/etc/evil.json", "a/../../evil.json", "a\\..\\evil.json", "a//evil.json",
			"./evil.json", "C:evil.json", "nul.json", "a/\u0000.json" })
	void pathsThatLeaveTheFolderAreRefused(String path) throws IOException {
		this.fake.with(path, "{}");
		refuses("is no plain path of files below a folder", "Do not use this repository");
		assertThat(this.home.resolve("hf/hub/models--org--name/snapshots")).doesNotExist();
	}

	@Test
	void tokenStaysWithItsHost() {
		this.environment.put("HF_TOKEN", "hf_SecretSecret");
		this.fake.requiredToken = "hf_SecretSecret";
		pull(ID);
		assertThat(this.fake.requests).anyMatch((request) -> request.host().equals("127.0.0.1"));
		for (Request request : this.fake.requests) {
			boolean hub = request.host().equals("localhost");
			assertThat(request.header("Authorization")).isEqualTo(hub ? "Bearer hf_SecretSecret" : null);
			assertThat(request.headers().toString().contains("Secret")).isEqualTo(hub);
		}
	}

	@Test
	void tokenIsInNoMessageNorSettings() {
		this.environment.put("HF_TOKEN", "hf_SecretSecret");
		this.fake.requiredToken = "hf_another";
		assertThat(settings().toString()).doesNotContain("Secret");
		assertThatExceptionOfType(HubException.class).isThrownBy(() -> pull(ID))
			.satisfies((ex) -> assertThat(stack(ex)).doesNotContain("Secret").contains("Check HF_TOKEN"));
	}

	@Test
	void refusalsSayWhatToDo() {
		this.fake.refusal = "GatedRepo";
		refuses("org/name is gated", "accept the licence", "HF_TOKEN", this.fake.endpoint() + "/org/name");
		this.fake.refusal = null;
		refuses(HubId.parse("org/other").orElseThrow(), "There is no repository org/other", "For a private one");
		refuses(HubId.parse("org/name@v9").orElseThrow(), "has no revision 'v9'");
		this.environment.put("HF_HUB_OFFLINE", "1");
		refuses("HF_HUB_OFFLINE or TRANSFORMERS_OFFLINE is set");
	}

	@Test
	void hostThatCannotBeReachedIsNamedWithTheVariables() {
		this.environment.put("HF_ENDPOINT", "http://127.0.0.1:9");
		refuses("127.0.0.1 cannot be reached", "HTTPS_PROXY and NO_PROXY");
	}

	@Test
	void fileWhoseHashStaysWrongIsNotKept() throws IOException {
		byte[] right = this.fake.bytes("model.safetensors");
		pull(ID);
		Path blobs = this.home.resolve("hf/hub/models--org--name/blobs");
		Path weights = blobs.resolve(FakeHub.sha256(right));
		Files.delete(weights);
		this.fake.script(Stream.generate(() -> Fault.DAMAGED).limit(200).toList());
		refuses("The content of the file 'model.safetensors' is wrong", FakeHub.sha256(right), "twice");
		assertThat(weights).doesNotExist();
		assertThat(files(blobs)).noneMatch((name) -> name.endsWith(".incomplete"));
		this.fake.script(List.of());
		assertThat(Files.readAllBytes(pull(ID).resolve("model.safetensors"))).isEqualTo(right);
	}

	@Test
	void hostWithoutRangesIsReadFromStartToEnd() throws IOException {
		this.fake.noRanges = true;
		assertThat(Files.readAllBytes(pull(ID).resolve("model.safetensors")))
			.isEqualTo(this.fake.bytes("model.safetensors"));
	}

	@Test
	void withoutLinksTheSnapshotHoldsTheFiles() throws IOException {
		this.environment.put("HF_HUB_DISABLE_SYMLINKS", "1");
		Path snapshot = pull(ID);
		assertThat(snapshot.resolve("model.safetensors")).isRegularFile().isNotEmptyFile();
		assertThat(Files.isSymbolicLink(snapshot.resolve("model.safetensors"))).isFalse();
		long bytes = this.fake.bodyBytes();
		pull(ID);
		assertThat(this.fake.bodyBytes()).isEqualTo(bytes);
	}

	@Test
	void prefixOfAnotherClientIsContinued() throws IOException {
		byte[] weights = this.fake.bytes("model.safetensors");
		Path blobs = Files.createDirectories(this.home.resolve("hf/hub/models--org--name/blobs"));
		Files.write(blobs.resolve(FakeHub.sha256(weights) + ".incomplete"), Arrays.copyOf(weights, 70_000));
		Path snapshot = pull(ID);
		assertThat(Files.readAllBytes(snapshot.resolve("model.safetensors"))).isEqualTo(weights);
		assertThat(this.fake.bodyBytes()).isLessThan(35_000);
	}

	@Test
	void progressAddsUp() {
		List<DownloadProgress> heard = new ArrayList<>();
		try (Hub hub = new Hub(settings())) {
			hub.pull(ID, heard::add);
		}
		DownloadProgress last = heard.getLast();
		assertThat(last.complete()).isTrue();
		assertThat(last.doneBytes()).isEqualTo(last.totalBytes()).isEqualTo(last.fetchedBytes());
		assertThat(last.files()).isEqualTo(5);
		assertThat(heard).allMatch((now) -> now.doneBytes() <= now.totalBytes());
	}

	/**
	 * 200 scripts of faults, each with a download that may fail, and then downloads until
	 * one succeeds: each gives a correct cache or a clear error, and no try loses what an
	 * earlier one brought.
	 */
	@Test
	void everyFaultScriptEndsInACorrectCacheOrAClearError() throws IOException {
		int failures = 0;
		for (int seed = 0; seed < 200; seed++) {
			Random random = new Random(seed);
			this.environment.put("HF_HOME", this.home.resolve("hf" + seed).toString());
			double rate = random.nextDouble();
			List<Fault> script = new ArrayList<>();
			for (int i = 0; i < 60; i++) {
				Fault fault = Fault.values()[random.nextInt(Fault.values().length)];
				// a stalled read costs real time
				boolean spared = fault == Fault.STALL && random.nextInt(20) > 0;
				script.add((random.nextDouble() < rate && !spared) ? fault : Fault.NONE);
			}
			this.fake.script(script);
			boolean done = false;
			for (int attempt = 0; attempt < 40 && !done; attempt++) {
				try {
					Path snapshot = pull(ID);
					for (String path : files(snapshot)) {
						assertThat(Files.readAllBytes(snapshot.resolve(path))).as("%s of script %d", path, seed)
							.isEqualTo(this.fake.bytes(path));
					}
					assertThat(files(snapshot)).hasSize(5);
					done = true;
				}
				catch (HubException ex) {
					failures++;
					assertThat(ex.description()).containsAnyOf("org/name", "the file '").endsWith(".");
					assertThat(ex.action()).isNotBlank();
				}
			}
			assertThat(done).as("script %d", seed).isTrue();
		}
		assertThat(failures).isPositive();
	}

	private Path pull(HubId id) {
		try (Hub hub = new Hub(settings())) {
			return hub.pull(id, (progress) -> {
			});
		}
	}

	private HubSettings settings() {
		return HubSettings.of(this.environment::get, this.home)
			.timeouts(Duration.ofSeconds(20), Duration.ofMillis(300))
			.maxRetries(2)
			.tuning(new HubSettings.Tuning(4, PART, Duration.ofMillis(1)));
	}

	private void refuses(String... parts) {
		refuses(ID, parts);
	}

	private void refuses(HubId id, String... parts) {
		assertThatExceptionOfType(HubException.class).isThrownBy(() -> pull(id)).withMessageContainingAll(parts);
	}

	private static String stack(Throwable failure) {
		StringWriter text = new StringWriter();
		failure.printStackTrace(new PrintWriter(text));
		return text.toString();
	}

	static byte[] random(int length, long seed) {
		byte[] bytes = new byte[length];
		new Random(seed).nextBytes(bytes);
		return bytes;
	}

	private static List<String> files(Path folder) throws IOException {
		try (Stream<Path> files = Files.walk(folder)) {
			return files.filter(Files::isRegularFile)
				.map((file) -> folder.relativize(file).toString().replace('\\', '/'))
				.sorted()
				.toList();
		}
	}

}
