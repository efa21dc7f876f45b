package io.github.flashspring.engine.checkpoint.gguf;

import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.Base64;

import io.github.flashspring.engine.checkpoint.TestData;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

import static org.assertj.core.api.Assertions.assertThat;

/**
 * Values of blocks against those that the Python package {@code gguf} computes.
 */
class BlockDecoderTests {

	@ParameterizedTest
	@EnumSource(names = { "Q5_0", "Q5_1", "Q2_K", "Q3_K", "Q4_K", "Q5_K", "Q6_K", "IQ4_NL", "IQ4_XS" })
	void decodesBitForBit(GgufType type) {
		byte[] blocks = bytes(type, "blocks");
		ByteBuffer expected = ByteBuffer.wrap(bytes(type, "values")).order(ByteOrder.LITTLE_ENDIAN);
		BlockDecoder decoder = BlockDecoder.of(type).orElseThrow();
		float[] values = new float[type.blockElements()];
		for (int at = 0; at < blocks.length; at += type.blockBytes()) {
			decoder.decode(MemorySegment.ofArray(blocks), at, values, 0);
			for (float value : values) {
				assertThat(Float.floatToRawIntBits(value)).isEqualTo(expected.getInt());
			}
		}
		assertThat(expected.hasRemaining()).isFalse();
	}

	@ParameterizedTest
	@EnumSource(AffineBlocks.class)
	void affineGroupsHaveTheSameValues(AffineBlocks affine) {
		GgufType type = affine.type();
		byte[] blocks = bytes(type, "blocks");
		ByteBuffer expected = ByteBuffer.wrap(bytes(type, "values")).order(ByteOrder.LITTLE_ENDIAN);
		for (int at = 0; at < blocks.length; at += type.blockBytes()) {
			for (float value : AffineBlocksTests.affine(affine,
					Arrays.copyOfRange(blocks, at, at + type.blockBytes()))) {
				assertThat(value).isEqualTo(expected.getFloat() + 0f);
			}
		}
	}

	@Test
	void otherTypesHaveNoDecoder() {
		assertThat(BlockDecoder.of(GgufType.IQ2_XS)).isEmpty();
		assertThat(BlockDecoder.of(GgufType.F32)).isEmpty();
	}

	private static byte[] bytes(GgufType type, String name) {
		JsonNode vectors = JsonMapper.shared().readTree(TestData.path("vectors/gguf-blocks.json"));
		return Base64.getDecoder().decode(vectors.path("types").path(type.name()).path(name).stringValue());
	}

}
