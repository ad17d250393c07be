from __future__ import annotations

import torch

from kd.losses.memory import StepQueue


def test_the_oldest_steps_leave_first():
    queue = StepQueue(length=5, width=1)
    for start in range(0, 9, 3):
        labels = torch.arange(start, start + 3)
        queue.push(labels[:, None].float(), -labels[:, None].float(), labels)
    student, teacher, labels = queue.stored()
    assert sorted(labels.tolist()) == [4, 5, 6, 7, 8]
    assert torch.equal(student[:, 0], labels.float())
    assert torch.equal(teacher, -student)


def test_a_batch_longer_than_the_queue_leaves_its_newest_steps():
    queue = StepQueue(length=3, width=1)
    queue.push(torch.zeros(2, 1), torch.zeros(2, 1), torch.tensor([98, 99]))
    queue.push(torch.arange(7.0)[:, None], torch.arange(7.0)[:, None], torch.arange(7))
    assert sorted(queue.stored()[2].tolist()) == [4, 5, 6]
    assert len(queue) == 3


def test_nothing_is_stored_before_the_first_push():
    queue = StepQueue(length=3, width=2)
    assert len(queue) == 0
    assert [tuple(part.shape) for part in queue.stored()] == [(0, 2), (0, 2), (0,)]


def test_a_resumed_queue_overwrites_the_same_places():
    queue, resumed = StepQueue(length=4, width=1), StepQueue(length=4, width=1)
    queue.push(torch.ones(3, 1), torch.ones(3, 1), torch.arange(3))
    resumed.load_state_dict(queue.state_dict())
    for one in (queue, resumed):
        one.push(torch.zeros(2, 1), torch.zeros(2, 1), torch.arange(7, 9))
    assert torch.equal(queue.labels, resumed.labels)
    assert queue.labels.tolist() == [8, 1, 2, 7]


def test_what_was_read_does_not_change_with_later_steps():
    queue = StepQueue(length=2, width=1)
    queue.push(torch.ones(2, 1), torch.ones(2, 1), torch.tensor([1, 2]))
    before = queue.stored()[0]
    queue.push(torch.zeros(2, 1), torch.zeros(2, 1), torch.tensor([3, 4]))
    assert before.flatten().tolist() == [1, 1]
