package io.github.flashspring.engine.checkpoint;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIOException;

/**
 * The rules of the safetensors format, one broken at a time, and the writer.
 */
class SafetensorsTests {

	private static final String A = """
			"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}""";

	@TempDir
	Path folder;

	@Test
	void readsTensorsInTheOrderOfTheirData() {
		SafetensorsHeader header = read("""
				{"b":{"dtype":"U8","shape":[2,1],"data_offsets":[8,10]},"__metadata__":{"format":"mlx"},
				 "a":{"shape":[2],"extra":{"x":[1,{}]},"data_offsets":[0,8],"dtype":"F32"},
				 "none":{"dtype":"I64","shape":[0,7],"data_offsets":[8,8]},
				 "scalar":{"dtype":"BF16","shape":[],"data_offsets":[10,12]}}   """, 12);
		assertThat(header.tensors().keySet()).containsExactly("a", "none", "b", "scalar");
		assertThat(header.metadata()).isEqualTo(Map.of("format", "mlx"));
		TensorInfo b = tensor(header, "b");
		assertThat(b.offset()).isEqualTo(header.dataOffset() + 8);
		assertThat(b.byteSize()).isEqualTo(2);
		assertThat(b.shape()).containsExactly(2, 1);
		assertThat(tensor(header, "scalar").elements()).isEqualTo(1);
		assertThat(tensor(header, "none").elements()).isZero();
	}

	@Test
	void emptyHeaderIsAllowed() {
		assertThat(read("{}", 0).tensors()).isEmpty();
	}

	@ParameterizedTest
	@EnumSource
	void knowsTheSizeOfEveryType(DType dtype) {
		int bytes = 3 * dtype.bytes();
		SafetensorsHeader header = read(
				"{\"t\":{\"dtype\":\"" + dtype + "\",\"shape\":[3],\"data_offsets\":[0," + bytes + "]}}", bytes);
		assertThat(tensor(header, "t").dtype()).isEqualTo(dtype);
		refuses("{\"t\":{\"dtype\":\"" + dtype + "\",\"shape\":[3],\"data_offsets\":[0," + (bytes + 1) + "]}}",
				bytes + 1, "needs " + bytes + " bytes");
	}

	@Test
	void shapeIsCopied() {
		long[] shape = { 2, 3 };
		TensorInfo tensor = new TensorInfo("t", DType.F16, shape, Path.of("f"), 8, 12);
		shape[0] = 9;
		tensor.shape()[1] = 9;
		assertThat(tensor.shape()).containsExactly(2, 3);
		assertThat(tensor).isEqualTo(new TensorInfo("t", DType.F16, new long[] { 2, 3 }, Path.of("f"), 8, 12));
	}

	@ParameterizedTest
	@CsvSource(delimiter = '|', quoteCharacter = '`',
			textBlock = """
							[]                                                         | must begin with '{'
							{"a                                                        | not valid JSON in UTF-8
					{"a":{"dtype":"F32"                                        | not valid JSON in UTF-8
							{} x                                                       | not valid JSON in UTF-8
							{"a":1}                                                    | Tensor 'a' must be described by an object, found '1'
							{"a":{}}                                                   | Tensor 'a' lacks dtype
							{"a":{"dtype":"F32","shape":[2]}}                          | Tensor 'a' lacks data_offsets
							{"a":{"dtype":"F32","data_offsets":[0,8]}}                 | Tensor 'a' lacks shape
							{"a":{"dtype":"F33","shape":[2],"data_offsets":[0,8]}}     | unknown dtype 'F33'; expected one of [F32, F16
							{"a":{"dtype":"f32","shape":[2],"data_offsets":[0,8]}}     | unknown dtype 'f32'
							{"a":{"dtype":32,"shape":[2],"data_offsets":[0,8]}}        | needs a string as dtype, found '32'
							{"a":{"dtype":"F32","shape":2,"data_offsets":[0,8]}}       | needs an array as shape
							{"a":{"dtype":"F32","shape":[2.0],"data_offsets":[0,8]}}   | needs whole numbers in shape, found '2.0'
							{"a":{"dtype":"F32","shape":["2"],"data_offsets":[0,8]}}   | needs whole numbers in shape
							{"a":{"dtype":"F32","shape":[-2],"data_offsets":[0,8]}}    | in shape, found '-2'
							{"a":{"dtype":"F32","shape":[99999999999999999999],"data_offsets":[0,8]}} | found '99999999999999999999'
							{"a":{"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,8]}} | more than 2^63 bytes
							{"a":{"dtype":"F32","shape":[4611686018427387905],"data_offsets":[0,4]}} | more than 2^63 bytes
							{"a":{"dtype":"F32","shape":[2],"data_offsets":[8,0]}}     | with begin ≤ end, found [8, 0]
							{"a":{"dtype":"F32","shape":[2],"data_offsets":[0]}}       | with begin ≤ end, found [0]
							{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8,9]}}   | more than 2 numbers in data_offsets
							{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,7]}}     | needs 8 bytes, but its data_offsets [0, 7] hold 7
							{"a":{"dtype":"F32","dtype":"F32","shape":[2],"data_offsets":[0,8]}} | has dtype twice
							{"__metadata__":[]}                                        | __metadata__ must be one object of strings
							{"__metadata__":{"a":1}}                                   | __metadata__ entry 'a' must be a string, found '1'
							{"__metadata__":{"a":"1","a":"2"}}                         | __metadata__ entry 'a' appears twice
							""")
	void refusesBrokenEntries(String header, String message) {
		refuses(header, 8, message);
	}

	@Test
	void refusesDuplicates() {
		refuses("{" + A + "," + A + "}", 8, "Tensor 'a' appears twice");
	}

	@Test
	void refusesOverlap() {
		refuses("{" + A + ",\"b\":{\"dtype\":\"U8\",\"shape\":[8],\"data_offsets\":[7,15]}}", 15,
				"Tensor 'b' overlaps tensor 'a': it begins at data offset 7, but that ends at 8");
	}

	@Test
	void refusesHoles() {
		refuses("{" + A + ",\"b\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[9,10]}}", 10,
				"Tensor 'b' leaves a hole behind tensor 'a'");
		refuses("{\"b\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[1,2]}}", 2,
				"leaves a hole behind the start of the data");
	}

	@Test
	void refusesTruncatedAndOverlongData() {
		refuses("{" + A + "}", 7, "is truncated: tensor 'a' ends at data offset 8, but the file has only 7");
		refuses("{" + A + "}", 9, "Its tensors end at data offset 8, but the file has 9 bytes of data: 1 too many");
	}

	@Test
	void refusesBadHeaderSizes() throws IOException {
		refusesSize(0, "a header of 0 bytes; expected 2 to 100000000");
		refusesSize(100_000_001, "a header of 100000001 bytes");
		refusesSize(-1, "a header of 18446744073709551615 bytes");
		refusesSize(99_999_999, "Its header should have 99999999 bytes, but the file ends");
		Files.write(file(), new byte[9]);
		assertThatExceptionOfType(CheckpointException.class).isThrownBy(() -> Safetensors.readHeader(file()))
			.withMessageContaining("has 9 bytes, but a safetensors file has at least 10");
	}

	@Test
	void refusesMalformedUtf8AndNames() {
		byte[] header = ("{\"x?\":" + "{}}").getBytes(StandardCharsets.ISO_8859_1);
		header[3] = (byte) 0xff;
		assertThatExceptionOfType(CheckpointException.class).isThrownBy(() -> readBytes(header, header.length, 0))
			.withMessageContaining("not valid JSON in UTF-8");
		refuses("{\"\\ud800\":{}}", 0, "is not valid Unicode");
	}

	@Test
	void refusesDeepNesting() {
		refuses("{\"a\":{\"x\":" + "[".repeat(100_000) + "]".repeat(100_000) + "}}", 0, "not valid JSON");
	}

	@Test
	void hugeNamesAreShortenedInMessages() {
		assertThatExceptionOfType(CheckpointException.class)
			.isThrownBy(() -> read("{\"" + "n".repeat(40_000) + "\":1}", 0))
			.satisfies((ex) -> assertThat(ex.getMessage()).hasSizeLessThan(1_000));
	}

	@Test
	void missingFileIsTold() {
		assertThatExceptionOfType(CheckpointException.class).isThrownBy(() -> Safetensors.readHeader(file()))
			.withMessageContaining("Cannot read " + file());
	}

	@Test
	void writesWhatItReads() throws IOException {
		Map<String, TensorSource> tensors = new LinkedHashMap<>();
		byte[] bytes = { 1, 2, 3 };
		tensors.put("u8 \"quoted\" ü", TensorSource.of(DType.U8, MemorySegment.ofArray(bytes), 3));
		tensors.put("f32", TensorSource.of(new float[] { 1.5f, -2f }, 1, 2));
		tensors.put("empty", TensorSource.of(DType.F16, MemorySegment.ofArray(new byte[0]), 0, 4));
		Safetensors.write(file(), tensors, Map.of("made by", "a test"));
		SafetensorsHeader header = Safetensors.readHeader(file());
		assertThat(header.metadata()).isEqualTo(Map.of("made by", "a test"));
		assertThat(header.dataOffset() % 8).isZero();
		assertThat(header.tensors().keySet()).containsExactly("f32", "empty", "u8 \"quoted\" ü");
		ByteBuffer all = ByteBuffer.wrap(Files.readAllBytes(file())).order(ByteOrder.LITTLE_ENDIAN);
		int f32 = (int) tensor(header, "f32").offset();
		assertThat(List.of(all.getFloat(f32), all.getFloat(f32 + 4))).containsExactly(1.5f, -2f);
		assertThat(header.fileSize()).isEqualTo(header.dataOffset() + 8 + 3);
	}

	@Test
	void failedWriteLeavesTheOldFileAndNothingElse() throws IOException {
		Files.writeString(file(), "old");
		TensorSource tooLong = new TensorSource(DType.U8, new long[] { 2 },
				(channel) -> channel.write(ByteBuffer.allocate(3)));
		assertThatIOException().isThrownBy(() -> Safetensors.write(file(), Map.of("t", tooLong), Map.of()))
			.withMessageContaining("tensor t delivers 1 bytes more");
		TensorSource tooShort = new TensorSource(DType.U8, new long[] { 2 },
				(channel) -> channel.write(ByteBuffer.allocate(1)));
		assertThatIOException().isThrownBy(() -> Safetensors.write(file(), Map.of("t", tooShort), Map.of()))
			.withMessageContaining("tensor t lacks 1 bytes");
		assertThat(file()).hasContent("old");
		try (var files = Files.list(this.folder)) {
			assertThat(files).containsExactly(file());
		}
	}

	/** A sparse file of more than 2 GB: offsets are longs everywhere. */
	@Test
	void readsBeyondTwoGigabytes() throws IOException {
		long size = (1L << 31) + 4096;
		ByteArrayOutputStream bytes = new ByteArrayOutputStream();
		byte[] json = ("{\"big\":{\"dtype\":\"U8\",\"shape\":[" + size + "],\"data_offsets\":[0," + size
				+ "]},\"end\":{\"dtype\":\"U8\",\"shape\":[2],\"data_offsets\":[" + size + "," + (size + 2) + "]}}")
			.getBytes(StandardCharsets.UTF_8);
		bytes.write(ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN).putLong(json.length).array());
		bytes.write(json);
		Path model = this.folder.resolve("model.safetensors");
		Files.write(model, bytes.toByteArray());
		try (RandomAccessFile sparse = new RandomAccessFile(model.toFile(), "rw")) {
			sparse.setLength(8 + json.length + size + 2);
			sparse.seek(8 + json.length + size);
			sparse.write(new byte[] { 42, 43 });
		}
		Files.writeString(this.folder.resolve("config.json"), "{}");
		try (Checkpoint checkpoint = Checkpoint.open(this.folder)) {
			assertThat(TensorBytes.read(checkpoint, checkpoint.tensor("end")).toArray(ValueLayout.JAVA_BYTE))
				.containsExactly(42, 43);
			ByteBuffer last = ByteBuffer.allocate(1);
			checkpoint.read(checkpoint.tensor("big"), size - 1, last);
			assertThat(last.get(0)).isZero();
		}
	}

	private void refusesSize(long size, String message) throws IOException {
		byte[] json = ("{" + A + "}").getBytes(StandardCharsets.UTF_8);
		assertThatExceptionOfType(CheckpointException.class).isThrownBy(() -> readBytes(json, size, 8))
			.withMessageContaining(message);
	}

	private void refuses(String header, int dataBytes, String message) {
		assertThatExceptionOfType(CheckpointException.class).isThrownBy(() -> read(header, dataBytes))
			.withMessageContaining(message)
			.withMessageContaining(file().toString());
	}

	private SafetensorsHeader read(String header, int dataBytes) {
		byte[] json = header.getBytes(StandardCharsets.UTF_8);
		try {
			return readBytes(json, json.length, dataBytes);
		}
		catch (IOException ex) {
			throw new AssertionError(ex);
		}
	}

	private SafetensorsHeader readBytes(byte[] json, long headerSize, int dataBytes) throws IOException {
		ByteBuffer bytes = ByteBuffer.allocate(8 + json.length + dataBytes).order(ByteOrder.LITTLE_ENDIAN);
		bytes.putLong(headerSize).put(json);
		Files.write(file(), bytes.array());
		return Safetensors.readHeader(file());
	}

	private static TensorInfo tensor(SafetensorsHeader header, String name) {
		return Objects.requireNonNull(header.tensors().get(name), name);
	}

	private Path file() {
		return this.folder.resolve("test.safetensors");
	}

}
