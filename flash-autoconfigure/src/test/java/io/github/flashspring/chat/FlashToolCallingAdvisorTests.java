package io.github.flashspring.chat;

import org.springframework.ai.chat.model.ChatModel;
import org.springframework.ai.test.chat.client.advisor.AbstractToolCallingAdvisorIT;

/**
 * Spring AI's contract for tools, when the advisor is given.
 */
class FlashToolCallingAdvisorTests extends AbstractToolCallingAdvisorIT {

	@Override
	protected ChatModel getChatModel() {
		return FlashChatModel.builder(ScriptedEngine.forecaster()).build();
	}

}
