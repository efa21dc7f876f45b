package io.github.flashspring.engine.checkpoint;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.List;
import java.util.stream.Stream;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

class StagingTests {

	@TempDir
	private Path folder;

	@Test
	void aFileAppearsWhenItIsCommitted() throws IOException {
		Path target = Files.writeString(this.folder.resolve("file"), "earlier");
		try (Staging staging = Staging.file(target, 3)) {
			Files.writeString(staging.path(), "new");
			assertThat(target).hasContent("earlier");
			staging.commit();
		}
		assertThat(target).hasContent("new");
		assertThat(names()).containsExactly("file");
	}

	@Test
	void nothingRemainsOfWhatIsNotCommitted() throws IOException {
		try (Staging staging = Staging.folder(this.folder.resolve("model"), 3)) {
			Files.writeString(Files.createDirectory(staging.path().resolve("inner")).resolve("file"), "new");
			assertThat(names()).hasSize(2);
		}
		assertThat(names()).isEmpty();
	}

	@Test
	void filesOfAFolderReplaceThoseOfTheSameNames() throws IOException {
		Path target = Files.createDirectory(this.folder.resolve("model"));
		Files.writeString(target.resolve("config.json"), "earlier");
		Files.writeString(target.resolve("notes"), "mine");
		try (Staging staging = Staging.folder(target, 3)) {
			Files.writeString(staging.path().resolve("config.json"), "new");
			staging.commit();
		}
		assertThat(target.resolve("config.json")).hasContent("new");
		assertThat(target.resolve("notes")).hasContent("mine");
		assertThat(names()).containsExactly("model");
	}

	@Test
	void whatADeadProcessLeftIsRemoved() throws IOException {
		Path left = Files.createDirectory(this.folder.resolve(".model.17-1790000000000-0.tmp"));
		Files.writeString(left.resolve("model.safetensors"), "half");
		Files.createFile(this.folder.resolve(".model.17-1790000000000-0.lock"));
		Files.createFile(this.folder.resolve(".other.18-1790000000000-3.lock"));
		Path foreign = Files.createFile(this.folder.resolve(".yarn.lock"));
		Staging.file(this.folder.resolve("another"), 0).close();
		assertThat(names()).containsExactly(foreign.getFileName().toString());
	}

	@Test
	void whatEarlierVersionsLeftIsRemovedADayLater() throws IOException {
		String id = ".2f1c4c1e-8a54-4e7d-9d38-0c6a1f6b7e55.tmp";
		Path folder = oldFolder(".model" + id, "config.json", ".model.safetensors" + id);
		Path file = old(Files.createFile(this.folder.resolve(".model.safetensors" + id)));
		Path fresh = oldFolder(".fresh" + id, "config.json", "model.safetensors");
		Files.writeString(fresh.resolve("config.json"), "written just now");
		Path foreign = oldFolder(".notes" + id, "notes.txt");
		Path otherName = oldFolder(".model.tmp", "model.safetensors");
		Staging.file(this.folder.resolve("another"), 0).close();
		assertThat(folder).doesNotExist();
		assertThat(file).doesNotExist();
		assertThat(names()).containsExactly(fresh.getFileName().toString(), otherName.getFileName().toString(),
				foreign.getFileName().toString());
		assertThat(foreign.resolve("notes.txt")).exists();
	}

	private Path oldFolder(String name, String... files) throws IOException {
		Path folder = Files.createDirectory(this.folder.resolve(name));
		for (String file : files) {
			old(Files.createFile(folder.resolve(file)));
		}
		return old(folder);
	}

	private static Path old(Path path) throws IOException {
		return Files.setLastModifiedTime(path, FileTime.from(Instant.now().minus(25, ChronoUnit.HOURS)));
	}

	@Test
	void whatALivingProcessWritesIsLeftAlone() throws Exception {
		Process other = new ProcessBuilder(Path.of(System.getProperty("java.home"), "bin", "java").toString(), "-cp",
				System.getProperty("java.class.path"), Writer.class.getName(), this.folder.resolve("model").toString())
			.redirectError(ProcessBuilder.Redirect.INHERIT)
			.start();
		try {
			assertThat(other.inputReader().readLine()).isEqualTo("writing");
			Staging.removeAbandoned(this.folder);
			assertThat(names()).hasSize(2);
		}
		finally {
			other.destroyForcibly().waitFor();
		}
		assertThat(names()).hasSize(2);
		Staging.removeAbandoned(this.folder);
		assertThat(names()).isEmpty();
	}

	@Test
	void severalOfOneProcessDoNotDisturbEachOther() throws IOException {
		Path target = this.folder.resolve("file");
		try (Staging first = Staging.file(target, 0); Staging second = Staging.file(target, 0)) {
			assertThat(first.path()).isNotEqualTo(second.path());
			Files.writeString(first.path(), "first");
			Staging.removeAbandoned(this.folder);
			assertThat(first.path()).exists();
		}
		assertThat(names()).isEmpty();
	}

	@Test
	void aTargetWithoutRoomIsRefusedBeforeAnythingIsWritten() throws IOException {
		assertThatExceptionOfType(CheckpointException.class)
			.isThrownBy(() -> Staging.folder(this.folder.resolve("model"), 1L << 60))
			.withMessageContainingAll("The disk of " + this.folder.resolve("model") + " has ", " free, but ",
					"1048576 TB are needed", "Free some space");
		assertThat(names()).isEmpty();
	}

	@Test
	void targetsOfAnotherKindAreRefused() throws IOException {
		Path file = Files.createFile(this.folder.resolve("file"));
		assertThatExceptionOfType(CheckpointException.class).isThrownBy(() -> Staging.folder(file, 0))
			.withMessageContaining("The target " + file + " exists already and is a file");
		assertThatExceptionOfType(CheckpointException.class).isThrownBy(() -> Staging.file(this.folder, 0))
			.withMessageContaining("exists already, but is not a regular file");
		assertThatExceptionOfType(CheckpointException.class).isThrownBy(() -> Staging.requireNoContent(this.folder))
			.withMessageContaining("exists already and is not empty");
		assertThat(names()).containsExactly("file");
	}

	private List<String> names() throws IOException {
		try (Stream<Path> files = Files.list(this.folder)) {
			return files.map((file) -> file.getFileName().toString()).sorted().toList();
		}
	}

	/** Begins a folder and never ends. */
	static final class Writer {

		static void main(String[] args) throws Exception {
			Staging staging = Staging.folder(Path.of(args[0]), 0);
			Files.writeString(staging.path().resolve("file"), "half");
			System.out.println("writing");
			Thread.currentThread().join();
		}

	}

}
