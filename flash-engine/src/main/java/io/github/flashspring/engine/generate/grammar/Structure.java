package io.github.flashspring.engine.generate.grammar;

/**
 * What an answer must look like.
 */
public sealed interface Structure {

	/**
	 * JSON that satisfies a schema.
	 *
	 * @param schema a JSON Schema of draft 2020-12
	 * @param strict whether a keyword that cannot be enforced is refused; otherwise it is
	 * ignored
	 * @param inPrompt whether the model is told the schema, so that it knows the names
	 * and the purpose of properties before it writes them
	 */
	record JsonSchema(String schema, boolean strict, boolean inPrompt) implements Structure {

		/**
		 * A schema that is enforced strictly, and told to the model.
		 * @param schema a JSON Schema of draft 2020-12
		 * @return the structure
		 */
		public static JsonSchema of(String schema) {
			return new JsonSchema(schema, true, true);
		}

	}

	/**
	 * A text of a grammar.
	 *
	 * @param grammar rules in GBNF, the notation of llama.cpp; {@code root} begins
	 */
	record Gbnf(String grammar) implements Structure {

	}

}
